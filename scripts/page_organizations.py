#!/usr/bin/env python3
"""Writes the folder of an invented organization with mixed assignments, for scripts/page-check: page_organizations.py
NUMBER DIR. The format of the folder is described in crates/cli/sample/acme/README.md."""

import csv
import json
import sys
from pathlib import Path

NAMES = [
    "Sales, EMEA & US",
    "Field engineers",
    "Personalabteilung Düsseldorf und Umgebung",
    "<script>alert('not run')</script>",
    "فريق المبيعات",
    "W" * 120,
    "Customer success",
]


def write(path: Path, header: str, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])


def main() -> None:
    number, folder = int(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True)
    teams = [f"team-{place}" for place in range(1 + number % 3)]
    members, groups, exports = [], [], []
    for place, team in enumerate(teams):
        size = 5 + number * number * (3 - place)
        for index in range(size):
            member = f"{team}-{index}"
            email = f"{member}@{folder.name}.example"
            members.append([member, email, "Ada", "Example", "Member", "", "true" if index % 17 else "false"])
            groups.append([team, member])
            if index % (2 + number % 5):
                exports.append([email, "true"])
    modes = ["AUTOMATIC_UPDATES" if (number + place) % 3 == 0 else "MANUAL_EDITING" for place in range(len(teams))]
    assignments = [
        {"name": NAMES[(number + place) % len(NAMES)], "groups": [team], "update_mode": mode, "seats": []}
        for place, (team, mode) in enumerate(zip(teams, modes))
    ]
    write(folder / "members.csv", "member,email,given_name,family_name,job_title,manager_email,active", members)
    write(folder / "groups.csv", "group,member", groups)
    write(folder / "legacy_email_export.csv", "email,export", exports)
    (folder / "assignments.json").write_text(json.dumps(assignments), encoding="utf-8")


main()
