//! `ExplainMember`: why a member is in an assignment, and the effect of the old settings page (product.md 7, 9).

use rollcall_proto::v1::{ExplainMemberRequest, Phase, SettingCause, SettingOrigin, Verdict};
use rollcall_testkit::{Member, Org, TestServer, refused};

use crate::{AUTOMATIC, acme, delta, explain, move_to, regroup};

#[tokio::test(flavor = "multi_thread")]
async fn every_verdict_is_explained() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    move_to(&server, &org, &["gone"], "everyone").await;
    regroup(&server, &org, "mover", "ops", "eng").await;
    let (engineering, operations, everyone, default) = ("engineering", "operations", "everyone", "default");
    let none = Verdict::NoSharedGroup;
    let later = Verdict::ComesLater;
    let cases = [
        (
            "builder",
            (engineering, Verdict::FirstMatch, "eng"),
            [(operations, none, ""), (everyone, later, "all"), (default, later, "")],
        ),
        (
            "gone",
            (everyone, Verdict::Pinned, ""),
            [(engineering, Verdict::PinnedElsewhere, "eng"), (operations, none, ""), (default, later, "")],
        ),
        (
            "mover",
            (operations, Verdict::StaysInManual, ""),
            [(engineering, Verdict::HeldElsewhere, "eng"), (everyone, none, ""), (default, later, "")],
        ),
        (
            "keeper",
            (operations, Verdict::FirstMatch, "ops"),
            [(engineering, none, ""), (everyone, none, ""), (default, later, "")],
        ),
        (
            "loner",
            (default, Verdict::NoOtherMatches, ""),
            [(engineering, none, ""), (operations, none, ""), (everyone, none, "")],
        ),
    ];
    for (member, winner, others) in cases {
        let explained = explain(&server, &org, member).await;
        let found: Vec<_> = explained
            .winner
            .iter()
            .chain(&explained.others)
            .map(|v| (v.assignment.clone(), v.verdict(), v.shared_groups.clone()))
            .collect();
        let groups = |shared: &str| if shared.is_empty() { vec![] } else { vec![org.group(shared)] };
        let expected = [winner].into_iter().chain(others);
        let expected: Vec<_> =
            expected.map(|(id, verdict, shared)| (org.assignment(id), verdict, groups(shared))).collect();
        assert_eq!(found, expected, "{member}");
        assert_eq!(explained.member.unwrap(), org.get_member(member).await);
    }
    let request = ExplainMemberRequest { name: org.member("nobody"), ..Default::default() };
    let unknown = "NotFound MEMBER_NOT_FOUND member=nobody";
    assert_eq!(refused(server.members().explain_member(request)).await, unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_legacy_setting_is_explained_before_and_after_the_migration() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("ada", &["sales"]), Member::new("gone", &["sales"]).inactive()]).await;
    org.assign("sales", &["sales"], AUTOMATIC, None).await;
    org.import(&[("ada", true)]).await;
    let email_export = async |member| explain(&server, &org, member).await.settings.pop().unwrap();
    let legacy = |value: &str, effective| SettingOrigin {
        setting: "email_export".to_owned(),
        value: value.to_owned(),
        cause: SettingCause::Legacy.into(),
        effective,
        ..Default::default()
    };
    assert_eq!(email_export("ada").await, legacy("EXPORT", true));
    assert_eq!(email_export("gone").await, legacy("DO_NOT_EXPORT", false));

    org.migrate().await;
    let migrated = explain(&server, &org, "ada").await.revision;
    // The setting began at "always".
    let carried = |origin: SettingOrigin| SettingOrigin {
        cause: SettingCause::Migration.into(),
        assignment: org.assignment("sales"),
        actor: "jobs/settings-migration".to_owned(),
        revision: migrated.clone(),
        ..origin
    };
    assert_eq!(email_export("ada").await, carried(legacy("EXPORT", true)));
    assert_eq!(email_export("gone").await, carried(legacy("DO_NOT_EXPORT", false)));
    let seats = &explain(&server, &org, "ada").await.settings[0];
    assert_eq!((seats.cause(), seats.since.is_some()), (SettingCause::EnteredAssignment, true));

    let revision = delta(&server, org.full_sync(&[Member::new("gone", &["sales"])])).await;
    let expected = SettingOrigin {
        value: "EXPORT".to_owned(),
        cause: SettingCause::BecameActive.into(),
        since: org.get_member("gone").await.update_time,
        actor: "anonymous".to_owned(),
        revision,
        effective: true,
        ..carried(legacy("", true))
    };
    assert_eq!(email_export("gone").await, expected);
}
