//! Listing organizations.

use rollcall_proto::v1::{ListOrganizationsRequest, Organization};
use rollcall_testkit::{TestServer, refused};

use super::create;

async fn page(server: &TestServer, page_size: i32, page_token: &str) -> (Vec<Organization>, String) {
    let request = ListOrganizationsRequest { page_size, page_token: page_token.to_owned() };
    let response = server.organizations().list_organizations(request).await.unwrap().into_inner();
    (response.organizations, response.next_page_token)
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_are_listed_in_byte_order_of_their_ids() {
    let server = TestServer::start().await;
    assert_eq!(page(&server, 0, "").await, (Vec::new(), String::new()));
    let mut created = Vec::new();
    for id in ["b", "a-b", "a", "ab", "a1"] {
        let asked = Organization { display_name: id.to_uppercase(), ..Default::default() };
        let response = server.organizations().create_organization(create(id, asked)).await.unwrap().into_inner();
        created.push(response.organization.unwrap());
    }
    created.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(page(&server, 0, "").await, (created.clone(), String::new()));

    let (mut listed, mut token) = (Vec::new(), String::new());
    for expected in [2, 2, 1] {
        let (found, next) = page(&server, 2, &token).await;
        assert_eq!(found.len(), expected);
        listed.extend(found);
        token = next;
    }
    assert_eq!((listed, token.as_str()), (created, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_page_request_is_refused_with_all_violations() {
    let server = TestServer::start().await;
    let request = ListOrganizationsRequest { page_size: -1, page_token: "nonsense".to_owned() };
    let call = refused(server.organizations().list_organizations(request)).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST page_token page_size");
}
