"""Files of tensors by name, .safetensors and .npz. Numbers are little-endian, whatever the machine is."""
import json
import math
import os
import struct
import zipfile

import numpy as np


class FormatError(ValueError):
    """A file that is missing, damaged, or not what is wanted. The message begins with the file's name."""


MANIFEST = "depthwise.golden"

# As numpy has them.
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I32": "<i4", "I8": "|i1", "U8": "|u1"}


def read_tensors(path):
    """The tensors of a .safetensors or .npz file by name, as float32, float64 or integers, and the manifest of a golden bundle or None.

    Raises FormatError.
    """
    with _opened(path) as file:
        is_zip = file.read(2) == b"PK"
    return _read_npz(path) if is_zip else _read_safetensors(path)


def read_manifest(path):
    """The manifest alone, without reading the tensors. None where the file is no golden bundle. Raises FormatError."""
    with _opened(path) as file:
        if file.read(2) == b"PK":
            with _archive(path) as archive:
                return _manifest_in(archive, path)
        file.seek(0)
        header, _ = _header(file, path)
    return _parsed_manifest(header.get("__metadata__", {}).get(MANIFEST), path)


def write(path, tensors):
    """Writes tensors by layer as float32, which holds int8 and uint8 too, for `depthwise compare`: .npz or .safetensors, by the name's ending. Raises ValueError for another one."""
    arrays = {name: np.asarray(x, dtype="<f4") for name, x in tensors.items()}
    ending = os.path.splitext(os.fspath(path))[1]
    if ending == ".npz":
        # By hand: np.savez takes names as keywords, and 'file' is one of its own.
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, x in arrays.items():
                with archive.open(name + ".npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, x, allow_pickle=False)
    elif ending == ".safetensors":
        _write_safetensors(path, arrays)
    else:
        raise ValueError(f"{path}: wanted a name ending in .npz or .safetensors")


def _opened(path):
    try:
        return open(path, "rb")
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror}; wanted a .safetensors or .npz file") from error


def _archive(path):
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise FormatError(f"{path}: {error}") from error


def _read_npz(path):
    tensors = {}
    with _archive(path) as archive:
        manifest = _manifest_in(archive, path)
        for name in archive.namelist():
            if not name.endswith(".npy"):
                continue
            with archive.open(name) as entry:
                try:
                    tensors[name[: -len(".npy")]] = _as_held(np.lib.format.read_array(entry, allow_pickle=False), path, name)
                except (ValueError, EOFError) as error:
                    raise FormatError(f"{path}: '{name}': {error}") from error
    return tensors, manifest


def _manifest_in(archive, path):
    if MANIFEST + ".json" not in archive.namelist():
        return None
    return _parsed_manifest(archive.read(MANIFEST + ".json").decode(), path)


def _parsed_manifest(text, path):
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise FormatError(f"{path}: the manifest is not JSON: {error}") from error


def _header(file, path):
    """The header of a .safetensors file, and where its data begin."""
    size = os.fstat(file.fileno()).st_size
    head = file.read(8)
    length = struct.unpack("<Q", head)[0] if len(head) == 8 else size
    if 8 + length > size:
        raise FormatError(f"{path}: neither a .safetensors nor a .npz file, or cut off")
    try:
        header = json.loads(file.read(length))
    except ValueError as error:
        raise FormatError(f"{path}: the header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise FormatError(f"{path}: the header is no JSON object")
    return header, 8 + length


def _read_safetensors(path):
    with open(path, "rb") as file:
        header, begin = _header(file, path)
        data = file.read()
    manifest = _parsed_manifest(header.pop("__metadata__", {}).get(MANIFEST), path)
    tensors = {}
    for name, entry in header.items():
        try:
            kind, shape, (start, end) = entry["dtype"], [int(size) for size in entry["shape"]], entry["data_offsets"]
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path}: '{name}' has no dtype, shape and two data_offsets") from error
        if kind not in TYPES:
            raise FormatError(f"{path}: '{name}' is of type {kind}, wanted one of {', '.join(TYPES)}")
        dtype = np.dtype(TYPES[kind])
        if not 0 <= start <= end <= len(data) or end - start != dtype.itemsize * math.prod(shape):
            raise FormatError(f"{path}: '{name}' of shape {shape} does not lie at bytes {start} to {end}")
        tensors[name] = _as_held(np.frombuffer(data[start:end], dtype=dtype).reshape(shape), path, name)
    return tensors, manifest


def _as_held(x, path, name):
    """Real numbers as float32 or float64, integers as they are; in this machine's order of bytes."""
    if x.dtype.kind == "f":
        return x.astype(np.float64 if x.dtype.itemsize == 8 else np.float32)
    integer = x.dtype.newbyteorder("=")
    if integer not in (np.int8, np.uint8, np.int32):
        raise FormatError(f"{path}: '{name}' is of type {x.dtype}, wanted real numbers, int8, uint8 or int32")
    return x.astype(integer)


def _write_safetensors(path, arrays):
    header, offset = {}, 0
    for name, x in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [offset, offset + x.nbytes]}
        offset += x.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for x in arrays.values():
            file.write(x.tobytes())
