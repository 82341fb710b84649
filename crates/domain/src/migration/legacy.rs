//! Importing old settings: which row binds to whom (product.md 7.3).

use std::collections::{BTreeMap, HashMap};

use crate::{Email, MemberId, Violation, directory::Rejection};

/// A row of the old settings page, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyRow {
    /// The address in any case.
    pub email: String,
    /// Whether emails are exported; `None` when the row does not say.
    pub export: Option<bool>,
}

/// The member who holds an address, and the old setting they have already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The member.
    pub member: MemberId,
    /// The old setting from an earlier import.
    pub legacy: Option<bool>,
}

/// Rows that are well formed and agree with each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedRows {
    /// What each address is to have.
    pub settings: BTreeMap<Email, bool>,
    /// Rows that say the same as another one.
    pub duplicates: u32,
    /// The addresses of those rows, in byte order.
    pub duplicate_emails: Vec<Email>,
    /// Rows that cannot be taken.
    pub rejected: Vec<Rejection>,
}

/// What an import writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPlan {
    /// Old settings of members, those that are there already included.
    pub bound: Vec<(MemberId, bool)>,
    /// Addresses that an earlier import has left without a member, and that have one now.
    pub no_longer_waiting: Vec<Email>,
    /// Rows to be kept until a member is synced with the address, in byte order.
    pub unmatched: Vec<(Email, bool)>,
    /// Rows that say the same as another one.
    pub duplicates: u32,
    /// The addresses of those rows, in byte order.
    pub duplicate_emails: Vec<Email>,
    /// Rows that cannot be taken.
    pub rejected: Vec<Rejection>,
    /// Whether anything differs from what is stored.
    pub changes: bool,
}

/// What the rows say of one address.
struct Said {
    export: bool,
    rows: u32,
    agree: bool,
}

/// Checks rows on their own: addresses, missing values, duplicates and contradictions. Rows that
/// contradict each other are all rejected.
#[must_use]
pub fn check_rows(rows: Vec<LegacyRow>) -> CheckedRows {
    let mut said: BTreeMap<Email, Said> = BTreeMap::new();
    let mut checked = CheckedRows::default();
    for row in &rows {
        match parse(row) {
            Ok((email, export)) => {
                let said = said.entry(email).or_insert(Said { export, rows: 0, agree: true });
                said.rows = said.rows.saturating_add(1);
                said.agree &= said.export == export;
            }
            Err(violation) => checked.rejected.push(reject(row.email.clone(), violation.description)),
        }
    }
    if said.values().any(|said| !said.agree) {
        checked.rejected.extend(contradictions(rows, &said));
    }
    for (email, said) in said.into_iter().filter(|(_, said)| said.agree) {
        if said.rows > 1 {
            checked.duplicates = checked.duplicates.saturating_add(said.rows - 1);
            checked.duplicate_emails.push(email.clone());
        }
        checked.settings.insert(email, said.export);
    }
    checked
}

/// The rows of each address that rows disagree about, in byte order of the addresses.
fn contradictions(rows: Vec<LegacyRow>, said: &BTreeMap<Email, Said>) -> Vec<Rejection> {
    let contradicted = rows.into_iter().filter_map(|row| {
        let (email, _) = parse(&row).ok()?;
        said.get(&email).filter(|said| !said.agree).map(|_| (email, row.email))
    });
    let mut contradicted: Vec<(Email, String)> = contradicted.collect();
    contradicted.sort_by(|a, b| a.0.cmp(&b.0));
    let reason = "rows of this import contradict each other about this address; keep one of them";
    contradicted.into_iter().map(|(_, key)| reject(key, reason.to_owned())).collect()
}

/// Plans an import. `holders` tells, for the addresses of the rows, who holds them now;
/// `waiting` which of them an earlier import has left without a member.
#[must_use]
pub fn plan_import(rows: &CheckedRows, holders: &HashMap<Email, Holder>, waiting: &HashMap<Email, bool>) -> ImportPlan {
    let CheckedRows { settings, duplicates, duplicate_emails, rejected } = rows;
    let mut plan = ImportPlan {
        duplicates: *duplicates,
        duplicate_emails: duplicate_emails.clone(),
        rejected: rejected.clone(),
        ..ImportPlan::default()
    };
    for (email, export) in settings {
        let waits = waiting.get(email);
        match holders.get(email) {
            Some(holder) => {
                plan.changes |= holder.legacy != Some(*export) || waits.is_some();
                plan.bound.push((holder.member.clone(), *export));
                plan.no_longer_waiting.extend(waits.map(|_| email.clone()));
            }
            None => {
                plan.changes |= waits != Some(export);
                plan.unmatched.push((email.clone(), *export));
            }
        }
    }
    plan
}

fn parse(row: &LegacyRow) -> Result<(Email, bool), Violation> {
    let email = Email::parse(&row.email)?;
    let export = row.export.ok_or_else(|| Violation::invalid("", "the row must say EXPORT or DO_NOT_EXPORT"))?;
    Ok((email, export))
}

fn reject(key: String, reason: String) -> Rejection {
    Rejection { kind: "legacy_setting", key, reason }
}
