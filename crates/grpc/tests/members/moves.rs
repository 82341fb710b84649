//! Moving members pins them, and releasing them resolves them again (product.md 5).

use rollcall_proto::v1::{EmailExport, MoveAssignmentRequest, MoveMembersRequest, Pin, Preview, ReleaseMembersRequest};
use rollcall_testkit::{TestServer, refused};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{acme, all, list, move_to, moving, regroup, release};

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_outranks_the_order_the_mode_and_the_next_sync() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = org.get_member("mover").await;
    let request = MoveMembersRequest { validate_only: true, ..moving(&org, &["builder", "mover"], "engineering") };
    let preview = server.members().move_members(request).await.unwrap().into_inner();
    assert_eq!(org.get_member("mover").await, before);
    let counts = preview.preview.map(|p| (p.assignment_changes, p.flips_to_export, p.sample.len())).unwrap();
    assert_eq!((preview.moved_count, counts), (1, (1, 1, 1)));

    let moved = move_to(&server, &org, &["builder", "mover"], "engineering").await;
    assert_eq!((moved.moved_count, moved.preview), (1, None));
    let (builder, mover) = (org.get_member("builder").await, org.get_member("mover").await);
    let pin = Pin {
        assignment: org.assignment("engineering"),
        actor: "anonymous".to_owned(),
        reason: "a project".to_owned(),
        time: mover.update_time,
    };
    assert_eq!((builder.pin.as_ref(), mover.pin.as_ref()), (Some(&pin), Some(&pin)));
    assert_eq!((mover.assignment.clone(), mover.email_export()), (pin.assignment.clone(), EmailExport::Export));
    assert_ne!(mover.etag, before.etag);

    for (name, position) in [("operations", 1), ("everyone", 1), ("engineering", 3)] {
        let request = MoveAssignmentRequest { name: org.assignment(name), position, ..Default::default() };
        server.assignments().move_assignment(request).await.unwrap();
    }
    regroup(&server, &org, "builder", "eng", "ops").await;
    regroup(&server, &org, "mover", "ops", "all").await;
    for member in ["builder", "mover"] {
        assert_eq!(org.get_member(member).await.assignment, pin.assignment, "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_move_is_refused() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let good = moving(&org, &["loner"], "engineering");
    let members = |members: Vec<String>| MoveMembersRequest { members, ..good.clone() };
    let cases = [
        (members(vec![]), "InvalidArgument INVALID_REQUEST members"),
        (members(vec![org.member("loner"), org.group("eng")]), "InvalidArgument INVALID_REQUEST members[1]"),
        (members(vec!["organizations/other/members/loner".to_owned()]), "InvalidArgument INVALID_REQUEST members[0]"),
        (members(vec![org.member("nobody")]), "NotFound MEMBER_NOT_FOUND member=nobody"),
        (
            members(["nobody", "loner", "who", "nobody"].map(|id| org.member(id)).into()),
            "NotFound MEMBER_NOT_FOUND count=2 member=nobody,who",
        ),
        (
            MoveMembersRequest {
                parent: org.group("eng"),
                reason: "\n".to_owned(),
                ..moving(&org, &["", "loner"], "M")
            },
            "InvalidArgument INVALID_REQUEST parent members[0] assignment reason",
        ),
        (
            MoveMembersRequest { assignment: String::new(), ..good.clone() },
            "InvalidArgument INVALID_REQUEST assignment",
        ),
        (MoveMembersRequest { reason: "x".repeat(501), ..good.clone() }, "InvalidArgument INVALID_REQUEST reason"),
        (moving(&org, &["loner"], "moon"), "NotFound ASSIGNMENT_NOT_FOUND assignment=moon"),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.members().move_members(request)).await, expected);
    }
    assert_eq!(org.get_member("loner").await.pin, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_names_the_first_unknown_members_and_counts_all() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let unknown = |count: usize| (0..count).map(|number| format!("x{number:04}")).collect::<Vec<_>>();
    for (count, named) in [(2, 2), (20, 20), (21, 20), (10_000, 20)] {
        let members = unknown(count).iter().map(|id| org.member(id)).collect();
        let request = ReleaseMembersRequest { parent: org.name(), members, ..Default::default() };
        let expected = format!("NotFound MEMBER_NOT_FOUND count={count} member={}", unknown(named).join(","));
        assert_eq!(refused(server.members().release_members(request)).await, expected);
    }
    // The error fits into the trailers, whatever the violations and their length.
    for (count, length) in [(10_000, 8), (10_000, 300), (1, 1_000_000)] {
        let members = vec!["n".repeat(length); count];
        let request = ReleaseMembersRequest { parent: org.name(), members, ..Default::default() };
        let status = server.members().release_members(request).await.unwrap_err();
        let found = status.get_error_details().bad_request().unwrap().field_violations.clone();
        assert_eq!((status.code(), found[0].field.as_str()), (Code::InvalidArgument, "members[0]"));
        let more = found.last().filter(|_| count > 1).map(|last| last.description.clone());
        let left_out = format!("{} more violations are left out; correct these first", count - (found.len() - 1));
        assert_eq!(more, (count > 1).then_some(left_out));
        assert!(status.message().len() + status.details().len() < 6_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_resolves_again_even_out_of_a_manual_assignment() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    move_to(&server, &org, &["builder", "loner"], "operations").await;
    let pinned = list(&server, all(&org)).await;
    let preview = release(&server, &org, &["builder", "keeper", "loner"], true).await;
    let Preview { assignment_changes, flips_to_export, .. } = preview.preview.unwrap();
    assert_eq!((preview.released_count, assignment_changes, flips_to_export), (2, 2, 1));
    assert_eq!(list(&server, all(&org)).await, pinned);

    let released = release(&server, &org, &["builder", "keeper", "loner"], false).await;
    assert_eq!((released.released_count, released.preview), (2, None));
    for (member, assignment) in [("builder", "engineering"), ("keeper", "operations"), ("loner", "default")] {
        let member = org.get_member(member).await;
        assert_eq!((member.assignment, member.pin), (org.assignment(assignment), None));
    }
    // No member has a pin, so nothing is written.
    let again = release(&server, &org, &["builder", "keeper"], false).await;
    assert_eq!((again.released_count, again.revision), (0, released.revision));
}
