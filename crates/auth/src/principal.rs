//! Who a caller is, and what the caller may do.

use std::{collections::HashSet, fmt};

/// A role of a caller. The contract declares on each RPC which role it needs. Configuration files name a role as the
/// contract does, without the prefix `ROLE_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CallerRole {
    /// May change everything in an organization.
    TechAdmin,
    /// May read everything in an organization.
    Reader,
    /// May ask whether a member's email may be exported.
    ExportChecker,
    /// May read the nightly reports.
    ReportReader,
    /// May create organizations, run jobs and run the settings migration.
    Operator,
}

impl CallerRole {
    /// All roles.
    pub const ALL: [Self; 5] = [Self::TechAdmin, Self::Reader, Self::ExportChecker, Self::ReportReader, Self::Operator];

    /// Returns the name, as the contract writes it without its prefix.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TechAdmin => "TECH_ADMIN",
            Self::Reader => "READER",
            Self::ExportChecker => "EXPORT_CHECKER",
            Self::ReportReader => "REPORT_READER",
            Self::Operator => "OPERATOR",
        }
    }

    /// Returns the role with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Returns the role and the roles that it includes.
    fn with_included(self) -> &'static [Self] {
        match self {
            Self::TechAdmin => &[Self::TechAdmin, Self::Reader, Self::ExportChecker],
            // A reader sees the setting of every member, so a check tells nothing new.
            Self::Reader => &[Self::Reader, Self::ExportChecker],
            Self::ExportChecker => &[Self::ExportChecker],
            Self::ReportReader => &[Self::ReportReader],
            Self::Operator => &[Self::Operator, Self::Reader, Self::ExportChecker, Self::ReportReader],
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of roles. A role in it stands also for the roles that it includes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct CallerRoles(u8);

impl CallerRoles {
    /// Returns the set of every role.
    #[must_use]
    pub fn all() -> Self {
        CallerRole::ALL.into_iter().collect()
    }

    /// Returns whether the set contains a role.
    #[must_use]
    pub fn contains(self, role: CallerRole) -> bool {
        self.0 & role.bit() != 0
    }
}

impl FromIterator<CallerRole> for CallerRoles {
    fn from_iter<I: IntoIterator<Item = CallerRole>>(roles: I) -> Self {
        let included = roles.into_iter().flat_map(|role| role.with_included());
        Self(included.fold(0, |bits, role| bits | role.bit()))
    }
}

impl fmt::Debug for CallerRoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(CallerRole::ALL.into_iter().filter(|role| self.contains(*role))).finish()
    }
}

/// The organizations in which a principal has its roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrganizationGrant {
    /// Every organization, also those that are created later, and what spans organizations.
    All,
    /// The organizations with these ids.
    Named(HashSet<Box<str>>),
}

impl OrganizationGrant {
    /// Returns whether an organization is granted.
    #[must_use]
    pub fn includes(&self, organization: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(ids) => ids.contains(organization),
        }
    }

    /// Returns whether everything is granted that spans organizations.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name in the audit, such as `corp:248289761001`: what authenticated the caller, and the caller's name there. It
    /// is printable and has at most [`Principal::NAME_MAX`] bytes.
    pub name: Box<str>,
    /// What the caller may do.
    pub roles: CallerRoles,
    /// Where the caller may do it.
    pub organizations: OrganizationGrant,
}

impl Principal {
    /// The longest name, in bytes.
    pub const NAME_MAX: usize = 320;

    /// Returns the caller of a server without authentication, who may do everything.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { name: "anonymous".into(), roles: CallerRoles::all(), organizations: OrganizationGrant::All }
    }
}

/// Returns whether a part of a principal's name can be shown: it has from 1 to `max` bytes, and no control characters or
/// other characters that are not visible.
pub(crate) fn is_printable(text: &str, max: usize) -> bool {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    (1..=max).contains(&text.len()) && text.trim() == text && !text.contains(invisible)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the roles that a role gives.
    fn given_by(role: CallerRole) -> Vec<&'static str> {
        let roles: CallerRoles = [role].into_iter().collect();
        CallerRole::ALL.into_iter().filter(|role| roles.contains(*role)).map(CallerRole::name).collect()
    }

    #[test]
    fn roles_include_others() {
        assert_eq!(given_by(CallerRole::TechAdmin), ["TECH_ADMIN", "READER", "EXPORT_CHECKER"]);
        assert_eq!(given_by(CallerRole::Reader), ["READER", "EXPORT_CHECKER"]);
        assert_eq!(given_by(CallerRole::ExportChecker), ["EXPORT_CHECKER"]);
        assert_eq!(given_by(CallerRole::ReportReader), ["REPORT_READER"]);
        assert_eq!(given_by(CallerRole::Operator), ["READER", "EXPORT_CHECKER", "REPORT_READER", "OPERATOR"]);
    }

    #[test]
    fn names_are_printable() {
        assert!(["a", "ann@corp.example", "Ann Lee", "é日", "auth0|5f7c"].into_iter().all(|it| is_printable(it, 200)));
        let wrong = ["", " a", "a ", "a\nb", "a\u{202E}b", "a\u{200B}", "\u{7f}"];
        assert!(wrong.into_iter().all(|it| !is_printable(it, 200)));
        assert!(!is_printable("abc", 2));
    }
}
