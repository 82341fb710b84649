//! When a run of the migration stops itself, and which organizations it may migrate before its canaries are migrated.

use rollcall_domain::{
    OrganizationId,
    migration::{MigrationLimits, MigrationStop, MigrationTally, PendingMigration, WaveTally},
};

use MigrationStop::{Canary, InARow, Share};

const DEFAULT: MigrationLimits = MigrationLimits { failures_in_a_row: 3, failures_percent: 1, canaries: 0 };

/// A tally of `organizations`, with the waves as (wave, migrated, failed).
fn tally(organizations: u32, waves: &[(u32, u32, u32)], failed_in_a_row: u32) -> MigrationTally {
    let waves =
        waves.iter().map(|(wave, migrated, failed)| WaveTally { wave: *wave, migrated: *migrated, failed: *failed });
    MigrationTally { organizations, waves: waves.collect(), failed_in_a_row }
}

#[test]
fn a_run_stops_after_failures_in_a_row_or_a_share_of_failures() {
    assert_eq!(MigrationLimits::default(), DEFAULT);
    let off = MigrationLimits { failures_in_a_row: 0, failures_percent: 0, canaries: 0 };
    let share_only = MigrationLimits { failures_percent: 50, ..off };
    let cases = [
        (DEFAULT, tally(1000, &[], 0), None),
        (DEFAULT, tally(1000, &[(0, 0, 2)], 2), None),
        (DEFAULT, tally(1000, &[(0, 0, 3)], 3), Some(InARow(3))),
        (DEFAULT, tally(1000, &[(0, 90, 5), (1, 8, 4)], 1), None),
        (DEFAULT, tally(1000, &[(0, 90, 5), (1, 8, 5)], 1), Some(Share { failed: 10, organizations: 1000 })),
        // In a small run, a share of 1 % is less than one organization.
        (DEFAULT, tally(5, &[(0, 1, 2)], 1), None),
        (DEFAULT, tally(5, &[(0, 1, 3)], 1), Some(Share { failed: 3, organizations: 5 })),
        (off, tally(5, &[(0, 0, 5)], 5), None),
        (share_only, tally(5, &[(0, 0, 2)], 2), None),
        (share_only, tally(5, &[(0, 0, 3)], 3), Some(Share { failed: 3, organizations: 5 })),
        (share_only, tally(0, &[], 0), None),
    ];
    for (limits, tally, expected) in cases {
        assert_eq!(limits.stop(&tally), expected, "{limits:?} {tally:?}");
    }
}

#[test]
fn a_failed_canary_stops_the_run() {
    let limits = MigrationLimits { canaries: 2, ..DEFAULT };
    let cases = [
        (tally(100, &[(1, 1, 0)], 0), None),
        (tally(100, &[(1, 1, 1)], 1), Some(Canary(1))),
        // The canaries of this wave are migrated.
        (tally(100, &[(1, 2, 1)], 1), None),
        (tally(100, &[(1, 2, 1), (3, 0, 1)], 2), Some(Canary(3))),
    ];
    for (tally, expected) in cases {
        assert_eq!(limits.stop(&tally), expected, "{tally:?}");
    }
}

/// Organizations named `<wave><letter>`. A capital letter means that the organization is faulty.
fn admitted(canaries: u32, tally: &MigrationTally, pending: &str) -> String {
    let organization = |name: &str| PendingMigration {
        organization: OrganizationId::trusted(name),
        wave: u32::from(name.as_bytes()[0] - b'0'),
        is_faulty: name[1..] == name[1..].to_uppercase(),
    };
    let pending: Vec<_> = pending.split_whitespace().map(organization).collect();
    let admitted = MigrationLimits { canaries, ..DEFAULT }.admit(tally, &pending);
    admitted.iter().map(|organization| organization.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_canaries_of_a_wave_are_migrated_before_the_others_and_before_later_waves() {
    let none = tally(10, &[], 0);
    let one = tally(10, &[(0, 1, 0)], 0);
    let wave = tally(10, &[(0, 2, 0)], 0);
    let cases = [
        (0, &none, "0a 0b 1a", "0a 0b 1a"),
        (2, &none, "0a 0b 0c 1a", "0a 0b"),
        (2, &one, "0b 0c 1a", "0b"),
        (2, &wave, "0c 0d 1a 1b 1c 2a", "0c 0d 1a 1b"),
        (2, &wave, "1a 2a", "1a"),
        // A faulty organization is no canary, and does not stop a later wave.
        (2, &none, "0b 0A 1a", "0b"),
        (2, &none, "0A 1a 1b 1c", "0A 1a 1b"),
        (2, &none, "", ""),
    ];
    for (canaries, tally, pending, expected) in cases {
        assert_eq!(admitted(canaries, tally, pending), expected, "{pending}");
    }
}
