//! The text form of a filter of migrations, and which organizations a filter selects.

use rollcall_domain::{
    Organization, OrganizationId, Phase,
    migration::{MigrationFilter, MigrationState},
};

const FAILED: Option<MigrationState> = Some(MigrationState::Failed);

fn filter(state: Option<MigrationState>, wave: Option<u32>) -> MigrationFilter {
    MigrationFilter { state, wave }
}

#[test]
fn a_filter_has_each_condition_at_most_once_in_any_order() {
    for (text, expected) in [
        ("wave = 2", filter(None, Some(2))),
        ("wave=0", filter(None, Some(0))),
        ("  wave =\t2147483647 ", filter(None, Some(2_147_483_647))),
        ("state = FAILED", filter(FAILED, None)),
        ("state=ROLLED_BACK", filter(Some(MigrationState::RolledBack), None)),
        ("wave = 2 AND state = FAILED", filter(FAILED, Some(2))),
        ("state=FAILED AND wave=2", filter(FAILED, Some(2))),
    ] {
        assert_eq!(MigrationFilter::parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn any_other_text_is_a_violation() {
    let long = format!("wave = {}", "0".repeat(200));
    for text in [
        "",
        " ",
        "wave",
        "wave =",
        "= 2",
        "wave = 2 AND",
        "AND wave = 2",
        "wave = 2 AND AND state = FAILED",
        "wave = 2 and state = FAILED",
        "wave = 2 OR wave = 3",
        "wave = 2 AND wave = 3",
        "state = FAILED AND state = PENDING",
        "NOT state = FAILED",
        "wave == 2",
        "wave > 2",
        "wave != 2",
        "wave = -1",
        "wave = +1",
        "wave = 1e3",
        "wave = 0x10",
        "wave = 2147483648",
        "wave = 99999999999999999999",
        "wave = ٣",
        "wave = 2; DROP TABLE organizations",
        "wave = 2 -- ",
        "wave = '2'",
        "state = failed",
        "state = 'FAILED'",
        "state = MIGRATION_STATE_FAILED",
        "state = UNSPECIFIED",
        "organization = acme",
        "WAVE = 2",
        "(wave = 2)",
        "wave = 2\0",
        "*",
        "wäve = 2",
        &long,
    ] {
        let violation = MigrationFilter::parse(text).expect_err(text);
        assert!(violation.description.contains("filter"), "{text}: {}", violation.description);
    }
}

#[test]
fn a_filter_selects_by_the_state_that_is_shown() {
    let organization = |phase: Phase, wave: u32| {
        let epoch = rollcall_domain::Timestamp::UNIX_EPOCH;
        Organization {
            id: OrganizationId::trusted("acme"),
            uid: uuid::Uuid::nil(),
            display_name: "Acme".to_owned(),
            phase,
            mass_change_limit: rollcall_domain::directory::MassChangeLimit::default(),
            catalog: rollcall_domain::catalog::Catalog::default(),
            catalog_revision: 1,
            revision: 1,
            updated_revision: 1,
            last_write_at: epoch,
            created_at: epoch,
            updated_at: epoch,
            email_domains: Vec::new(),
            wave,
        }
    };
    let (legacy, migrated) = (organization(Phase::Legacy, 2), organization(Phase::Migrated, 2));
    let pending = filter(Some(MigrationState::Pending), Some(2));
    assert!(pending.matches(&legacy, None), "without a record it is pending");
    assert!(!pending.matches(&legacy, FAILED) && !pending.matches(&organization(Phase::Legacy, 1), None));
    assert!(filter(None, Some(2)).matches(&legacy, FAILED) && filter(FAILED, None).matches(&legacy, FAILED));
    assert!(filter(None, None).matches(&migrated, Some(MigrationState::Migrated)));
    assert!(!filter(None, None).matches(&migrated, None), "it was created migrated");
}
