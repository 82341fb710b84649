"""Texts that often break CSV files and spreadsheets, an organization that uses them, and its expected reports."""

import csv
import io
import json

ORGANIZATION = "texts"
# Texts that the API accepts: up to 200 characters, without control characters.
ACCEPTED = [
    "plain",
    "",
    'quotes: "one", ""two"", "',
    "commas, a,b,,c,",
    "semicolon;pipe|tab-less",
    "back\\slash \\n \\",
    "שלום עולם",
    "مرحبا, \u202eright-to-left override\u202c",
    "👩\u200d👩\u200d👧\u200d👦 🇺🇦 é e\u0301 ǅ 漢字",
    "  spaces around  ",
    "\u00a0no-break spaces\u00a0",
    "\ufeffbyte order mark",
    "line separators\u2028and\u2029",
    '=HYPERLINK("https://example.com/?"&A1,"click, please")',
    "=1+1",
    "+1+1",
    "-2+3",
    "@SUM(1,2)",
    "=cmd|' /C calc'!A0",
    "'=1+1",
    " =1+1",
    '"=1+1"',
    "a=1+1",
    "=" * 200,
    "long " * 40,
]
# Texts that the API refuses. Only rows that are older than these checks, or were written by hand, can have them.
REFUSED = [
    "two\nlines",
    "two\r\nlines",
    "two\rlines",
    "\r=1+1",
    "\t=1+1",
    "\n=1+1",
    "\r\n=1+1",
    'ends with a quote and a line"\n',
    "bell \a and escape \x1b[31m",
    "x" * 40_000,
    "=" + "1+" * 20_000 + "1",
]
TEXTS = ACCEPTED + REFUSED
ASSIGNMENT = '=SUM(1,2), "Verkauf" 🎉\u202e,'
ASSIGNMENT_ID = "sum-1-2-verkauf"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Member:
    def __init__(self, number: int, text: str):
        # Ids and addresses also start with unusual characters, as far as the API allows.
        starts = ["=", "+", "-", "@", 'q"', "c,", "m", " s"]
        self.id = f"{starts[number % len(starts)]}{number:03}"
        starts = ["=", "+", "-", "&", "'", "#", "m", "|"]
        self.email = f"{starts[number % len(starts)]}{number:03}@texts.example"
        self.text = text
        self.exports = number % 2 == 0


MEMBERS = [Member(number, text) for number, text in enumerate(TEXTS)]


def folder_files() -> dict[str, str]:
    """Returns the files for `rollcall import`. `statements` later replaces the texts that the API refuses."""

    def table(header: str, rows: list[list[str]]) -> str:
        text = io.StringIO()
        csv.writer(text).writerows([header.split(","), *rows])
        return text.getvalue()

    texts = [(member, member.text if member.text in ACCEPTED else "later") for member in MEMBERS]
    header = "member,email,given_name,family_name,job_title,manager_email,active"
    return {
        "members.csv": table(header, [[m.id, m.email, text, "", text, "", "true"] for m, text in texts]),
        "groups.csv": table("group,member", [["everyone", m.id] for m in MEMBERS]),
        "legacy_email_export.csv": table("email,export", [[m.email, "true"] for m in MEMBERS if m.exports]),
        "assignments.json": json.dumps(
            [{"name": ASSIGNMENT, "groups": ["everyone"], "update_mode": "AUTOMATIC_UPDATES", "seats": []}]
        ),
    }


def statements() -> str:
    """Returns the SQL that stores the texts that the API refuses."""

    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    return "".join(
        f"UPDATE members SET given_name = {quoted(m.text)}, job_title = {quoted(m.text)}"
        f" WHERE organization_id = '{ORGANIZATION}' AND id = {quoted(m.id)};\n"
        for m in MEMBERS
        if m.text not in ACCEPTED
    )


def harmless(text: str) -> str:
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def raw(text: str) -> str:
    return text


def setting(member: Member) -> list[str]:
    return ["EXPORT", "always", "MIGRATION"] if member.exports else ["DO_NOT_EXPORT", "", "MIGRATION"]


def members_report(profile) -> list[list[str]]:
    """Returns the expected cells of ExportMembersCsv. `profile` is `raw` or `harmless`."""
    header = (
        "organization,member,email,name,job_title,manager_email,status,assignment,assignment_name,assignment_rank,"
        "update_mode,seats,web_conferences_recorded,prevent_web_conference_recording,telephony_calls_imported,"
        "emails_imported,prevent_email_import,non_recorded_meetings_imported,gong_connect_enabled,home_workspace,"
        "permission_profiles,email_export,email_export_since,email_export_source"
    )
    rows = [header.split(",")]
    for member in sorted(MEMBERS, key=lambda member: member.id.encode()):
        who = [ORGANIZATION, profile(member.id), profile(member.email), profile(member.text), profile(member.text), ""]
        where = ["ACTIVE", ASSIGNMENT_ID, profile(ASSIGNMENT), "1", "AUTOMATIC_UPDATES", "", *["false"] * 7, "", ""]
        rows.append([*who, *where, *setting(member)])
    return rows


def mixed_report() -> list[list[str]]:
    """Returns the expected cells of the nightly report, which has the spreadsheet profile."""
    header = (
        "organization,assignment,assignment_name,assignment_rank,update_mode,action_required,members_exporting,"
        "members_not_exporting,member,email,status,email_export,email_export_since,email_export_source"
    )
    exporting = sum(member.exports for member in MEMBERS)
    counts = [str(exporting), str(len(MEMBERS) - exporting)]
    where = [ORGANIZATION, ASSIGNMENT_ID, harmless(ASSIGNMENT), "1", "AUTOMATIC_UPDATES", "true", *counts]
    rows = [header.split(",")]
    for member in sorted(MEMBERS, key=lambda member: member.email.encode()):
        rows.append([*where, harmless(member.id), harmless(member.email), "ACTIVE", *setting(member)])
    return rows


EXPECTED = {"raw.csv": members_report(raw), "spreadsheet.csv": members_report(harmless), "mixed.csv": mixed_report()}
