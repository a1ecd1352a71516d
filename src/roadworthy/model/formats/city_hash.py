"""CatBoost's number for a category: the low 32 bits of CityHash64 of its text, as a signed number.

The function is CityHash64 as first published (Pike and Alakuijala, Google, 2011), which CatBoost has kept.
"""

from __future__ import annotations

__all__ = ["category_number", "city_hash"]

_K0, _K1, _K2, _K3 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F, 0xC949D7C7509E6557
_MIX = 0x9DDFEA08EB382D69
_ALL = 2**64 - 1
_HALF = 2**31


def category_number(text: str) -> int:
    """The number that CatBoost has for a category.

    >>> category_number("x"), category_number("y")
    (-784473192, 253272131)
    """
    low = city_hash(text.encode()) & (2**32 - 1)
    return low - 2 * _HALF if low >= _HALF else low


def city_hash(text: bytes) -> int:
    """CityHash64 of some bytes, 0 to 2**64 - 1."""
    if len(text) <= 16:
        return _short(text)
    if len(text) <= 32:
        return _medium(text)
    if len(text) <= 64:
        return _long(text)
    return _longest(text)


def _word(text: bytes, at: int) -> int:
    return int.from_bytes(text[at : at + 8], "little")


def _turn(x: int, by: int) -> int:
    """The bits of x turned right, those that fall out put back on the left."""
    x &= _ALL
    return (x >> by | x << (64 - by)) & _ALL if by else x


def _shift(x: int) -> int:
    x &= _ALL
    return x ^ x >> 47


def _mix(low: int, high: int) -> int:
    first = _shift((low ^ high) * _MIX)
    return _shift((high ^ first) * _MIX) * _MIX & _ALL


def _short(text: bytes) -> int:
    size = len(text)
    if size > 8:
        low, high = _word(text, 0), _word(text, size - 8)
        return _mix(low, _turn(high + size, size)) ^ high
    if size >= 4:
        low, high = (int.from_bytes(part, "little") for part in (text[:4], text[-4:]))
        return _mix(size + (low << 3), high)
    if size:
        y = text[0] + (text[size >> 1] << 8)
        z = size + (text[-1] << 2)
        return _shift(y * _K2 ^ z * _K3) * _K2 & _ALL
    return _K2


def _medium(text: bytes) -> int:
    size = len(text)
    a, b = _word(text, 0) * _K1 & _ALL, _word(text, 8)
    c, d = _word(text, size - 8) * _K2, _word(text, size - 16) * _K0
    return _mix((_turn(a - b, 43) + _turn(c, 30) + d) & _ALL, (a + _turn(b ^ _K3, 20) - c + size) & _ALL)


def _long(text: bytes) -> int:
    size = len(text)
    first = _fold(
        _word(text, 0) + (size + _word(text, size - 16)) * _K0,
        _word(text, 24), _word(text, 8), _word(text, 16),
    )  # fmt: skip
    second = _fold(
        _word(text, 16) + _word(text, size - 32),
        _word(text, size - 8), _word(text, size - 24), _word(text, size - 16),
    )  # fmt: skip
    mixed = _shift((first[0] + second[1]) * _K2 + (second[0] + first[1]) * _K0)
    return _shift(mixed * _K0 + first[1]) * _K2 & _ALL


def _fold(a: int, z: int, then: int, last: int) -> tuple[int, int]:
    b, c = _turn(a + z, 52), _turn(a, 37)
    a += then
    c += _turn(a, 7)
    a += last
    return (a + z) & _ALL, (b + _turn(a, 31) + c) & _ALL


def _blend(text: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """32 bytes from `at` on, blended with two numbers."""
    w, x, y, z = (_word(text, at + 8 * i) for i in range(4))
    a += w
    b = _turn(b + a + z, 21)
    c = a
    a += x + y
    b += _turn(a, 44)
    return (a + z) & _ALL, (b + c) & _ALL


def _longest(text: bytes) -> int:
    size = len(text)
    x, y, z = _word(text, 0), _word(text, size - 16) ^ _K1, _word(text, size - 56) ^ _K0
    v = _blend(text, size - 64, size, y)
    w = _blend(text, size - 32, size * _K1, _K0)
    z += _shift(v[1]) * _K1
    x = _turn(z + x, 39) * _K1 & _ALL
    y = _turn(y, 33) * _K1 & _ALL
    for at in range(0, (size - 1) & ~63, 64):
        x = _turn(x + y + v[0] + _word(text, at + 16), 37) * _K1 & _ALL
        y = _turn(y + v[1] + _word(text, at + 48), 42) * _K1 & _ALL
        x ^= w[1]
        y ^= v[0]
        z = _turn(z ^ w[0], 33)
        v = _blend(text, at, v[1] * _K1, x + w[0])
        w = _blend(text, at + 32, z + w[1], y)
        z, x = x, z
    return _mix((_mix(v[0], w[0]) + _shift(y) * _K1 + z) & _ALL, (_mix(v[1], w[1]) + x) & _ALL)
