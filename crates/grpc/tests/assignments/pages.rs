//! Pages of the list, even while its order changes.

use rollcall_proto::v1::{ListAssignmentsRequest, Phase};
use rollcall_testkit::{Org, TestServer, refused};

use crate::{EXPORT, MANUAL, acme, at, delete, last, list, move_to, order};

#[tokio::test(flavor = "multi_thread")]
async fn pages_contain_every_assignment_once_and_tokens_are_valid_only_for_their_list() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    for id in ["a", "b", "c", "d"] {
        org.assign(id, &["eng"], MANUAL, EXPORT).await;
    }
    let page = |page_size: i32, page_token: &str| {
        let (parent, page_token) = (org.name(), page_token.to_owned());
        ListAssignmentsRequest { parent, page_size, page_token, ..Default::default() }
    };
    let (mut found, mut tokens) = (Vec::new(), vec![String::new()]);
    while let Some(token) = tokens.last().filter(|token| tokens.len() == 1 || !token.is_empty()) {
        let read = server.assignments().list_assignments(page(2, token)).await.unwrap().into_inner();
        found.extend(read.assignments);
        tokens.push(read.next_page_token);
    }
    assert_eq!((found, tokens.len()), (list(&server, &org).await, 4));
    let other = Org::create(&server, "other", Phase::Migrated).await;
    let elsewhere = ListAssignmentsRequest { parent: other.name(), ..page(2, &tokens[1]) };
    for request in [page(2, "nonsense"), page(2, &tokens[1][1..]), elsewhere] {
        let call = refused(server.assignments().list_assignments(request)).await;
        assert_eq!(call, "InvalidArgument INVALID_REQUEST page_token");
    }
    let call = refused(server.assignments().list_assignments(page(-1, ""))).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST page_size");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_remaining_assignment_is_on_one_page_when_the_order_changes() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    for id in ["a", "b", "c", "d", "e", "f"] {
        org.assign(id, &["eng"], MANUAL, EXPORT).await;
    }
    let (mut shown, mut token, mut etags) = (Vec::new(), String::new(), Vec::new());
    for step in 0.. {
        let request =
            ListAssignmentsRequest { parent: org.name(), page_size: 2, page_token: token, ..Default::default() };
        let page = server.assignments().list_assignments(request).await.unwrap().into_inner();
        shown.extend(page.assignments.iter().map(|assignment| last(&assignment.name).to_owned()));
        etags.push(page.etag);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        match step {
            // Listed assignments move to the end and unlisted ones to the beginning. One assignment is deleted, and
            // one is created.
            0 => {
                for (id, position) in [("a", 6), ("f", 1)] {
                    server.assignments().move_assignment(move_to(&org, id, position)).await.unwrap();
                }
                server.assignments().delete_assignment(delete(&org, "c", true)).await.unwrap();
                server.assignments().create_assignment(at(&org, "new", &["eng"], 1)).await.unwrap();
            }
            1 => drop(server.assignments().move_assignment(move_to(&org, "e", 1)).await.unwrap()),
            _ => {}
        }
    }
    assert_eq!(shown, ["a", "b", "new", "f", "e", "d", "default"]);
    assert_eq!(order(&server, &org).await, "e new f b d a default");
    assert_eq!(etags.len(), 4);
    assert!(etags[0] != etags[1] && etags[1] != etags[2] && etags[2] == etags[3], "{etags:?}");
}
