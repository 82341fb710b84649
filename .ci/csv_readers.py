#!/usr/bin/env python3
"""Reads reports with the CSV libraries of two languages, and compares every cell with the text that was stored.

    .ci/csv_readers.py folder DIR     writes the organization of csv_texts.py as a folder for `rollcall import`
    .ci/csv_readers.py statements     prints the SQL that stores the texts that the API refuses
    .ci/csv_readers.py check DIR      reads and compares raw.csv, spreadsheet.csv and mixed.csv in the folder
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import csv_texts

GO_READER = Path(__file__).with_name("read_csv.go")


def read_with_python(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


def read_with_go(path: Path) -> list[list[str]]:
    done = subprocess.run(["go", "run", GO_READER, path], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def as_go_reads(rows: list[list[str]]) -> list[list[str]]:
    """Returns the rows as Go's reader returns them: it drops a CR before a line feed, even in quotes (documented)."""
    return [[cell.replace("\r\n", "\n") for cell in row] for row in rows]


def compare(what: str, rows: list[list[str]], expected: list[list[str]]) -> None:
    for number, (row, wanted) in enumerate(zip(rows, expected)):
        for column, (cell, right) in enumerate(zip(row, wanted)):
            if cell != right:
                name = expected[0][column]
                sys.exit(f"{what}: row {number}, column {name}: found {cell[:100]!r}, expected {right[:100]!r}")
        if len(row) != len(wanted):
            sys.exit(f"{what}: row {number} has {len(row)} cells, expected {len(wanted)}")
    if len(rows) != len(expected):
        sys.exit(f"{what}: found {len(rows)} rows, expected {len(expected)}")
    print(f"{what}: {len(rows)} rows, each cell as it was stored")


def check(folder: Path) -> None:
    for name, expected in csv_texts.EXPECTED.items():
        path = folder / name
        if b"\n" in path.read_bytes().split(b"\r\n")[0]:
            sys.exit(f"{name}: lines do not end with CRLF")
        compare(f"{name} by Python's csv", read_with_python(path), expected)
        compare(f"{name} by Go's encoding/csv", read_with_go(path), as_go_reads(expected))


def main() -> None:
    # Some texts are longer than the default limit of the csv module.
    csv.field_size_limit(1 << 20)
    match sys.argv[1:]:
        case ["folder", folder]:
            for name, text in csv_texts.folder_files().items():
                Path(folder, name).write_text(text, encoding="utf-8", newline="")
        case ["statements"]:
            sys.stdout.buffer.write(csv_texts.statements().encode())
        case ["check", folder]:
            check(Path(folder))
        case _:
            sys.exit(__doc__)


main()
