//! Importing old settings (product.md 7.3): a row binds to the member who holds its address.

use std::collections::{BTreeMap, HashMap};

use crate::{Email, MemberId, OrganizationId, Phase, Refusal, Violation, directory::Rejection};

use super::status::require_legacy;

/// A row of the old settings page, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyRow {
    /// The address in any case.
    pub email: String,
    /// Whether emails are exported; `None` when the row has no value.
    pub export: Option<bool>,
}

/// The member who holds an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressHolder {
    /// The member.
    pub member: MemberId,
    /// The old setting that an earlier import bound to the member.
    pub legacy: Option<bool>,
}

/// The rows of one import that are well formed and do not contradict each other, and those that are rejected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AcceptedLegacyRows {
    /// The old setting of each address.
    pub settings: BTreeMap<Email, bool>,
    /// How many rows repeat another row.
    pub duplicates: u32,
    /// The addresses of the repeated rows, in byte order.
    pub duplicate_emails: Vec<Email>,
    /// The rows that are rejected.
    pub rejected: Vec<Rejection>,
}

/// What an import is planned from.
#[derive(Clone, Copy, Debug)]
pub struct ImportContext<'a> {
    /// The organization.
    pub organization: &'a OrganizationId,
    /// Its phase.
    pub phase: Phase,
    /// Who holds each address of the rows.
    pub holders: &'a HashMap<Email, AddressHolder>,
    /// The old settings of earlier imports that wait for a member with one of the rows' addresses.
    pub unmatched: &'a HashMap<Email, bool>,
}

/// What an import writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPlan {
    /// The old setting of each member who holds an address, also where it stays the same.
    pub bound: Vec<(MemberId, bool)>,
    /// The addresses whose setting waited for a member, and that a member holds now.
    pub newly_matched: Vec<Email>,
    /// The settings that wait until a member with the address is synced, in byte order of the addresses.
    pub unmatched: Vec<(Email, bool)>,
    /// Whether anything differs from what is stored. If not, nothing is written.
    pub changes: bool,
}

/// The rows of one address.
struct AddressRows {
    export: bool,
    count: u32,
    agree: bool,
}

/// Checks the rows of one import: addresses, missing values, duplicates and contradictions. Rows that contradict each
/// other are all rejected.
#[must_use]
pub fn check_legacy_rows(rows: Vec<LegacyRow>) -> AcceptedLegacyRows {
    let mut addresses: BTreeMap<Email, AddressRows> = BTreeMap::new();
    let mut accepted = AcceptedLegacyRows::default();
    for row in &rows {
        match parse(row) {
            Ok((email, export)) => {
                let address = addresses.entry(email).or_insert(AddressRows { export, count: 0, agree: true });
                address.count = address.count.saturating_add(1);
                address.agree &= address.export == export;
            }
            Err(violation) => accepted.rejected.push(reject(row.email.clone(), violation.description)),
        }
    }
    if addresses.values().any(|address| !address.agree) {
        accepted.rejected.extend(reject_contradictions(rows, &addresses));
    }
    for (email, address) in addresses.into_iter().filter(|(_, address)| address.agree) {
        if address.count > 1 {
            accepted.duplicates = accepted.duplicates.saturating_add(address.count - 1);
            accepted.duplicate_emails.push(email.clone());
        }
        accepted.settings.insert(email, address.export);
    }
    accepted
}

/// Rejects the rows of each address whose rows contradict each other, in byte order of the addresses.
fn reject_contradictions(rows: Vec<LegacyRow>, addresses: &BTreeMap<Email, AddressRows>) -> Vec<Rejection> {
    let contradicted = rows.into_iter().filter_map(|row| {
        let (email, _) = parse(&row).ok()?;
        addresses.get(&email).filter(|address| !address.agree).map(|_| (email, row.email))
    });
    let mut contradicted: Vec<(Email, String)> = contradicted.collect();
    contradicted.sort_by(|a, b| a.0.cmp(&b.0));
    let reason = "rows of this import contradict each other about this address; keep one of them";
    contradicted.into_iter().map(|(_, key)| reject(key, reason.to_owned())).collect()
}

/// Plans an import of rows that were checked.
///
/// # Errors
/// [`Refusal::EmailExportAlreadyMigrated`] in phase MIGRATED.
pub fn plan_import(rows: &AcceptedLegacyRows, context: &ImportContext<'_>) -> Result<ImportPlan, Refusal> {
    require_legacy(context.organization, context.phase)?;
    let mut plan = ImportPlan::default();
    for (email, export) in &rows.settings {
        let waiting = context.unmatched.get(email);
        match context.holders.get(email) {
            Some(holder) => {
                plan.changes |= holder.legacy != Some(*export) || waiting.is_some();
                plan.bound.push((holder.member.clone(), *export));
                plan.newly_matched.extend(waiting.map(|_| email.clone()));
            }
            None => {
                plan.changes |= waiting != Some(export);
                plan.unmatched.push((email.clone(), *export));
            }
        }
    }
    Ok(plan)
}

fn parse(row: &LegacyRow) -> Result<(Email, bool), Violation> {
    let email = Email::parse(&row.email)?;
    let export = row.export.ok_or_else(|| {
        Violation::invalid("", "give EMAIL_EXPORT_EXPORT or EMAIL_EXPORT_DO_NOT_EXPORT as email_export")
    })?;
    Ok((email, export))
}

fn reject(key: String, reason: String) -> Rejection {
    Rejection { kind: "legacy_setting", key, reason }
}
