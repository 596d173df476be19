# SPDX-License-Identifier: Apache-2.0
"""BER-TLV as cards use it: tags of one to three bytes, definite lengths (ISO 7816-4, 5.2.2)."""


def make(tag, *parts):
    """The bytes of one object; a tag is a number, such as 0x53 or 0x5fc105."""
    value = b"".join(parts)
    n = len(value)
    size = bytes([n]) if n < 128 else b"\x81" + bytes([n]) if n < 256 else b"\x82" + n.to_bytes(2, "big")
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big") + size + value


def parse(data):
    """The objects that stand side by side in `data`, by tag. ValueError: they are no TLV."""
    found, at = {}, 0
    try:
        while at < len(data):
            tag, at = data[at], at + 1
            if tag & 0x1F == 0x1F:
                more = True
                while more:
                    tag, more, at = tag << 8 | data[at], data[at] & 0x80, at + 1
            n, at = data[at], at + 1
            if n > 128:
                width = n - 128
                n, at = int.from_bytes(data[at:at + width], "big"), at + width
            if at + n > len(data):
                raise ValueError("a TLV ends behind the data")
            found[tag], at = data[at:at + n], at + n
    except IndexError:
        raise ValueError("a TLV is cut off") from None
    return found
