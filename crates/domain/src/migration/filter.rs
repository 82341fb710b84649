//! Which migrations a list or a change of many organizations contains, and the text form of such a filter.

use serde::{Deserialize, Serialize};

use crate::{Organization, Violation};

use super::MigrationState;

/// The length, in bytes, that the text of a filter may have.
const TEXT_MAX: usize = 200;

/// Which migrations are selected. Organizations that were created in phase MIGRATED have no migration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationFilter {
    /// Only migrations in this state, if given.
    pub state: Option<MigrationState>,
    /// Only organizations of this wave, if given.
    pub wave: Option<u32>,
}

impl MigrationFilter {
    /// Parses a filter: the conditions `wave = N` and `state = S`, each at most once, joined by `AND`.
    ///
    /// # Errors
    /// A violation that says which filters there are.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if text.len() > TEXT_MAX {
            return Err(Violation::invalid("", format!("a filter has at most {TEXT_MAX} bytes")));
        }
        let spaced = text.replace('=', " = ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut filter = Self::default();
        for condition in words.split(|word| *word == "AND") {
            match condition {
                ["wave", "=", wave] if filter.wave.is_none() => filter.wave = Some(parse_wave(wave)?),
                ["state", "=", state] if filter.state.is_none() => filter.state = Some(parse_state(state)?),
                _ => return Err(malformed()),
            }
        }
        Ok(filter)
    }

    /// Whether the filter selects the migration of an organization whose record has the state `recorded`.
    ///
    /// `list_migrations.sql` repeats this rule.
    #[must_use]
    pub fn matches(self, organization: &Organization, recorded: Option<MigrationState>) -> bool {
        let state = MigrationState::of(organization.phase, recorded);
        state.is_some_and(|state| self.state.is_none_or(|wanted| wanted == state))
            && self.wave.is_none_or(|wanted| wanted == organization.wave)
    }
}

fn parse_wave(text: &str) -> Result<u32, Violation> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let wave = text.parse::<i32>().ok().filter(|_| digits);
    let invalid = || Violation::invalid("", format!("the wave of a filter is a number from 0 to {}", i32::MAX));
    wave.and_then(|wave| u32::try_from(wave).ok()).ok_or_else(invalid)
}

fn parse_state(text: &str) -> Result<MigrationState, Violation> {
    let unknown = |_| Violation::invalid("", "the state of a filter is PENDING, MIGRATED, FAILED or ROLLED_BACK");
    text.parse().map_err(unknown)
}

fn malformed() -> Violation {
    let form = "a filter is `wave = N`, `state = S`, or both joined by AND, such as `wave = 2 AND state = FAILED`";
    Violation::invalid("", form)
}
