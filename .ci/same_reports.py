#!/usr/bin/env python3
"""Compares the files of one report in two report stores, and the downloads of both. All bytes must be the same, except
for the fields that identify the run.

    .ci/same_reports.py BUCKET DIRECTORY DOWNLOADED DOWNLOADED
"""

import json
import sys
from pathlib import Path

# The JSON fields that differ between two runs on the same data.
RUN_FIELDS = {"report", "run", "since", "data_as_of", "path", "manifest", "manifest_sha256"}


def files(store: Path) -> dict[str, bytes]:
    """Returns the files of the oldest report in a store, by file name."""
    found = sorted(path for path in store.rglob("*") if path.is_file())
    folders = sorted({path.parent for path in found if path.name == "manifest.json"})
    return {path.name: path.read_bytes() for path in found if path.parent == folders[0]}


def content(name: str, data: bytes) -> object:
    return without_run(json.loads(data)) if name.endswith(".json") else data


def without_run(value: object) -> object:
    if isinstance(value, list):
        return [without_run(item) for item in value]
    if isinstance(value, dict):
        return {key: without_run(item) for key, item in value.items() if key not in RUN_FIELDS}
    return value


def main(bucket: Path, directory: Path, *downloads: Path) -> None:
    ours, theirs = files(bucket), files(directory)
    if ours.keys() != theirs.keys():
        sys.exit(f"the bucket has {sorted(ours)}, but the directory has {sorted(theirs)}")
    for name in ours:
        if content(name, ours[name]) != content(name, theirs[name]):
            sys.exit(f"{name} differs between the bucket and the directory")
    for store, download in zip((ours, theirs), downloads):
        for path in download.iterdir():
            if path.read_bytes() != store[path.name]:
                sys.exit(f"the download of {path.name} differs from the stored file")
    print(f"the same in the bucket, in the directory and in the downloads: {', '.join(sorted(ours))}")


main(*map(Path, sys.argv[1:]))
