//! Differences that are planted in the tables, which the service itself cannot write.

use rollcall_testkit::{
    TestServer,
    standard::{MigrationHistory, StandardOrganization},
};

use crate::check;

/// A change of the rows of one organization. `$org` is its id.
struct Planted {
    what: &'static str,
    history: MigrationHistory,
    /// Calls before the change.
    calls: &'static [(&'static str, &'static str)],
    sql: &'static str,
    /// What the self-check finds: the rule and the resource.
    found: &'static [&'static str],
}

/// `cid` keeps no group, and stays in the automatic assignment `sales`.
pub(crate) const UNPLANNED_MEMBERSHIPS: &str =
    "DELETE FROM memberships WHERE organization_id = '$org' AND member_id = 'cid'";

/// `ada` waits for a seat that is free.
pub(crate) const WAITS_FOR_FREE_SEAT: &str = "INSERT INTO pending_seats VALUES ('$org', 'gong', 'ada', now())";

/// The catalog with more seats than members.
pub(crate) const LIMITED: &str = r#"{"catalog": {
    "name": "$org/catalog", "seat_types": [{"seat_type": "gong", "total": 9}], "etag": "$catalog_etag"
}}"#;

/// The catalog with fewer seats than members who hold one.
const LOWERED: &str = r#"{"catalog": {
    "name": "$org/catalog", "seat_types": [{"seat_type": "gong", "total": 3}], "etag": "$catalog_etag"
}}"#;

const NEW_MEMBER: &str = r#"{"parent": "$org", "mode": "SYNC_MODE_DELTA", "members": [
    {"member": "fay", "email": "fay@$id.example", "status": "MEMBER_STATUS_ACTIVE"}
], "memberships": [{"group": "sales", "member": "fay"}]}"#;

const UPDATE_CATALOG: &str = "OrganizationService/UpdateCatalog";

const PLANTED: &[Planted] = &[
    Planted {
        what: "a gap in the ranks",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: "UPDATE assignments SET rank = 7 WHERE organization_id = '$org' AND id = 'default'",
        found: &["DENSE_RANKS assignments/default"],
    },
    Planted {
        what: "a default assignment that is not the last one",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: "UPDATE assignments SET rank = 4 WHERE organization_id = '$org' AND id = 'eng'",
        found: &["DENSE_RANKS assignments/default", "DENSE_RANKS assignments/eng", "DENSE_RANKS assignments/default"],
    },
    Planted {
        what: "an assignment without a chosen value",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: "UPDATE assignments SET email_export = NULL WHERE organization_id = '$org' AND id = 'eng'",
        found: &["CHOSEN_VALUE assignments/eng"],
    },
    Planted {
        what: "a chosen value in phase LEGACY",
        history: MigrationHistory::Legacy,
        calls: &[],
        sql: "UPDATE assignments SET email_export = 'EXPORT' WHERE organization_id = '$org' AND id = 'eng'",
        found: &["CHOSEN_VALUE assignments/eng"],
    },
    Planted {
        what: "a member of an automatic assignment without a matching group",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: UNPLANNED_MEMBERSHIPS,
        found: &["MEMBER_ASSIGNMENT members/cid"],
    },
    Planted {
        what: "a pin to another assignment",
        history: MigrationHistory::MigratedByJob,
        calls: &[],
        sql: "UPDATE pins SET assignment_id = 'sales' WHERE organization_id = '$org' AND member_id = 'dot'",
        found: &["MEMBER_ASSIGNMENT members/dot"],
    },
    Planted {
        what: "an automatic assignment with other settings than its active members",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: "UPDATE assignments AS a SET settings_id = d.settings_id FROM assignments AS d
            WHERE a.organization_id = '$org' AND a.id = 'sales' AND d.organization_id = '$org' AND d.id = 'default'",
        found: &["AUTOMATIC_SETTINGS members/bob", "AUTOMATIC_SETTINGS members/cid"],
    },
    Planted {
        what: "an automatic assignment with another chosen value than its active members",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: "UPDATE assignments SET email_export = 'DO_NOT_EXPORT' WHERE organization_id = '$org' AND id = 'sales'",
        found: &["AUTOMATIC_SETTINGS members/bob", "AUTOMATIC_SETTINGS members/cid"],
    },
    Planted {
        what: "a member without an email export setting",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: "UPDATE members SET email_export = NULL, email_export_since = NULL, email_export_source = NULL
            WHERE organization_id = '$org' AND id = 'ada';
            UPDATE member_changes
            SET email_export_after = NULL, email_export_since_after = NULL, email_export_source_after = NULL
            WHERE organization_id = '$org' AND member_id = 'ada'",
        found: &["EMAIL_EXPORT_PHASE members/ada"],
    },
    Planted {
        what: "a pending seat of a type without a total",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: WAITS_FOR_FREE_SEAT,
        found: &["PENDING_SEAT members/ada"],
    },
    Planted {
        what: "a pending seat of an inactive member",
        history: MigrationHistory::CreatedMigrated,
        calls: &[(UPDATE_CATALOG, LIMITED)],
        sql: "INSERT INTO pending_seats VALUES ('$org', 'gong', 'eve', now())",
        found: &["PENDING_SEAT members/eve"],
    },
    Planted {
        what: "a pending seat while seats are free",
        history: MigrationHistory::CreatedMigrated,
        calls: &[(UPDATE_CATALOG, LIMITED)],
        sql: WAITS_FOR_FREE_SEAT,
        found: &["SEAT_TOTAL catalog"],
    },
    Planted {
        what: "a seat beyond the total",
        history: MigrationHistory::CreatedMigrated,
        calls: &[(UPDATE_CATALOG, LOWERED), ("DirectoryService/SyncDirectory", NEW_MEMBER)],
        sql: "DELETE FROM pending_seats WHERE organization_id = '$org'",
        found: &["SEAT_TOTAL catalog"],
    },
    Planted {
        what: "settings that no change has given",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: "UPDATE members AS m SET settings_id = d.settings_id FROM assignments AS d
            WHERE m.organization_id = '$org' AND m.id = 'ada' AND d.organization_id = '$org' AND d.id = 'default'",
        found: &["MEMBER_HISTORY members/ada"],
    },
    Planted {
        what: "an earlier start of the period of EXPORT",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: "UPDATE members SET email_export_since = NULL WHERE organization_id = '$org' AND id = 'bob'",
        found: &["MEMBER_HISTORY members/bob"],
    },
    Planted {
        what: "a member without a history",
        history: MigrationHistory::RolledBack,
        calls: &[],
        sql: "DELETE FROM member_changes WHERE organization_id = '$org' AND member_id = 'ada'",
        found: &["MEMBER_HISTORY members/ada"],
    },
    Planted {
        what: "a revision without an audit event",
        history: MigrationHistory::CreatedMigrated,
        calls: &[],
        sql: "DELETE FROM audit_events WHERE organization_id = '$org' AND revision IN (2, 4)",
        found: &["AUDIT_REVISIONS audit", "AUDIT_REVISIONS audit"],
    },
    Planted {
        what: "an audit event of a revision that does not exist",
        history: MigrationHistory::MigratedByJob,
        calls: &[],
        sql:
            "INSERT INTO audit_events (organization_id, revision, occurred_at, actor, method, resource, members_changed)
            SELECT '$org', revision + 1, now(), 'nobody', 'Nothing', 'nothing', 0 FROM organizations WHERE id = '$org'",
        found: &["AUDIT_REVISIONS audit"],
    },
];

/// Changes rows of an organization, as a superuser.
pub(crate) async fn plant(server: &TestServer, organization: &str, sql: &str) {
    server.database.client().await.batch_execute(&sql.replace("$org", organization)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_planted_difference_is_found_and_nothing_else() {
    let server = TestServer::start().await;
    for (number, planted) in PLANTED.iter().enumerate() {
        let id = format!("org-{number}");
        let standard = StandardOrganization::create(&server, &id, planted.history).await.unwrap();
        for (rpc, request) in planted.calls {
            standard.make(rpc, request).await.unwrap();
        }
        assert_eq!(check(&standard).await, Vec::<String>::new(), "before {}", planted.what);
        plant(&server, &id, planted.sql).await;
        assert_eq!(check(&standard).await, planted.found, "{}", planted.what);
        assert_eq!(check(&standard).await, planted.found, "again: {}", planted.what);
    }
    server.stop().await;
}
