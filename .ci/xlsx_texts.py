#!/usr/bin/env python3
"""Checks the spreadsheets that were made from raw.csv, spreadsheet.csv and mixed.csv. Only the first one may contain
formulas, and it must contain some, which shows that the spreadsheet program runs formulas. Every text must be the text
that was stored.

    .ci/xlsx_texts.py DIR
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import csv_texts

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# The highest number of characters in a spreadsheet cell.
CELL_MAX = 32_767


def column_of(reference: str) -> int:
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def texts_and_formulas(path: Path) -> tuple[dict[tuple[int, int], str], int]:
    """Returns the text cells by row and column, without numbers and booleans, and the number of formula cells."""
    with zipfile.ZipFile(path) as file:
        strings = ElementTree.fromstring(file.read("xl/sharedStrings.xml"))
        sheet = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
    shared = ["".join(part.text or "" for part in item.iter(f"{MAIN}t")) for item in strings.iter(f"{MAIN}si")]
    texts, formulas = {}, 0
    for cell in sheet.iter(f"{MAIN}c"):
        formulas += cell.find(f"{MAIN}f") is not None
        value = cell.find(f"{MAIN}v")
        if cell.get("t") == "s" and value is not None:
            reference = cell.get("r")
            row = int(reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) - 1
            texts[row, column_of(reference)] = unescaped(shared[int(value.text)])
    return texts, formulas


def unescaped(text: str) -> str:
    """Returns the text with its control characters, which the format writes as _x001b_."""
    return re.sub("_x([0-9a-fA-F]{4})_", lambda match: chr(int(match[1], 16)), text)


def as_a_cell(text: str) -> str:
    """Returns the text as a cell holds it: with LF at line ends, and cut at the highest length."""
    return re.sub("\r\n|\r", "\n", text)[:CELL_MAX]


def check(name: str, path: Path) -> None:
    texts, formulas = texts_and_formulas(path)
    if (formulas > 0) != (name == "raw.csv"):
        sys.exit(f"{name}: found {formulas} formulas")
    expected = csv_texts.EXPECTED[name]
    for (row, column), text in texts.items():
        wanted = as_a_cell(expected[row][column])
        if text != wanted:
            sys.exit(f"{name}: row {row}, column {expected[0][column]}: found {text[:100]!r}, expected {wanted[:100]!r}")
    for row, cells in enumerate(expected):
        for column, cell in enumerate(cells):
            is_text = cell and not cell.isdigit() and cell not in ("true", "false")
            if is_text and name != "raw.csv" and (row, column) not in texts:
                sys.exit(f"{name}: row {row}, column {expected[0][column]}: {cell[:100]!r} is not a text cell")
    print(f"{name}: {len(texts)} texts as they were stored, {formulas} formulas")


for name in csv_texts.EXPECTED:
    check(name, Path(sys.argv[1], name).with_suffix(".xlsx"))
