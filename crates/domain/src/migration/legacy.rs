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
    /// The addresses of those rows: none of them waits for a member any longer.
    pub bound_emails: Vec<Email>,
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

/// Checks rows on their own: addresses, missing values, duplicates and contradictions. Rows that
/// contradict each other are all rejected.
#[must_use]
pub fn check_rows(rows: Vec<LegacyRow>) -> CheckedRows {
    let mut said: BTreeMap<Email, Vec<(String, bool)>> = BTreeMap::new();
    let mut rejected = Vec::new();
    for row in rows {
        match parse(&row) {
            Ok((email, export)) => said.entry(email).or_default().push((row.email, export)),
            Err(violation) => rejected.push(reject(row.email, violation.description)),
        }
    }
    let (mut duplicates, mut duplicate_emails) = (0, Vec::new());
    let mut settings = BTreeMap::new();
    for (email, rows) in said {
        let export = rows[0].1;
        if rows.iter().all(|row| row.1 == export) {
            if rows.len() > 1 {
                duplicates += u32::try_from(rows.len() - 1).unwrap_or(u32::MAX);
                duplicate_emails.push(email.clone());
            }
            settings.insert(email, export);
            continue;
        }
        let reason = "rows of this import contradict each other about this address; keep one of them";
        rejected.extend(rows.into_iter().map(|(key, _)| reject(key, reason.to_owned())));
    }
    CheckedRows { settings, duplicates, duplicate_emails, rejected }
}

/// Plans an import. `holders` tells, for the addresses of the rows, who holds them now;
/// `waiting` which of them an earlier import has left without a member.
#[must_use]
pub fn plan_import(rows: CheckedRows, holders: &HashMap<Email, Holder>, waiting: &HashMap<Email, bool>) -> ImportPlan {
    let CheckedRows { settings, duplicates, duplicate_emails, rejected } = rows;
    let mut plan = ImportPlan { duplicates, duplicate_emails, rejected, ..ImportPlan::default() };
    for (email, export) in settings {
        match holders.get(&email) {
            Some(holder) => {
                plan.changes |= holder.legacy != Some(export) || waiting.contains_key(&email);
                plan.bound.push((holder.member.clone(), export));
                plan.bound_emails.push(email);
            }
            None => {
                plan.changes |= waiting.get(&email) != Some(&export);
                plan.unmatched.push((email, export));
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
