"""A part of a block as bytes, and back: a JSON head that names each array, then the arrays as they are in memory."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

_ALIGNMENT = 8


def pack(part: object) -> bytes:
    """A dataclass of arrays, tuples of plain values and other such dataclasses, as bytes."""
    arrays: list[np.ndarray[Any, Any]] = []
    head = orjson.dumps(_described(part, arrays))
    chunks = [len(head).to_bytes(_ALIGNMENT, "little"), head, bytes(-len(head) % _ALIGNMENT)]
    for array in arrays:
        data = array.tobytes()
        chunks += [data, bytes(-len(data) % _ALIGNMENT)]
    return b"".join(chunks)


def unpack(kind: type, data: bytes) -> Any:
    """The dataclass that `pack` made the bytes from; its arrays are views of `data`."""
    size = int.from_bytes(data[:_ALIGNMENT], "little")
    begin = _ALIGNMENT + size + -size % _ALIGNMENT
    return _made(kind, orjson.loads(data[_ALIGNMENT : _ALIGNMENT + size]), data, [begin])


def _described(value: object, arrays: list[np.ndarray[Any, Any]]) -> object:
    if dataclasses.is_dataclass(value):
        return {field.name: _described(getattr(value, field.name), arrays) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value))
        return [value.dtype.str, value.shape]
    return value


def _made(kind: Any, described: Any, data: bytes, at: list[int]) -> Any:
    make: Callable[..., Any] = typing.get_origin(kind) or kind
    if dataclasses.is_dataclass(make):
        kinds = typing.get_type_hints(make)
        return make(**{name: _made(kinds[name], value, data, at) for name, value in described.items()})
    if make is tuple:
        return tuple(described)
    return _array(described, data, at)


def _array(described: Any, data: bytes, at: list[int]) -> np.ndarray[Any, Any]:
    dtype, shape = np.dtype(described[0]), tuple(described[1])
    count = int(np.prod(shape))
    array = np.frombuffer(data, dtype, count, at[0]).reshape(shape)
    at[0] += array.nbytes + -array.nbytes % _ALIGNMENT
    return array
