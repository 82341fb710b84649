//! Fields of a member that belong to the identity provider (product.md 3).

use rollcall_domain::{
    Email, GroupId, OrganizationId,
    directory::Identity,
    members::{IDENTITY_PATHS, IdentityInput, StoredIdentity},
};

fn fields(given: &IdentityInput) -> Vec<String> {
    let (organization, groups) = (OrganizationId::trusted("acme"), ["a/b", "eng"].map(GroupId::trusted));
    let identity = Identity {
        email: Email::trusted("ann@acme.example"),
        given_name: "Ann".to_owned(),
        family_name: "Lee".to_owned(),
        job_title: "Clerk".to_owned(),
        manager_email: Some(Email::trusted("boss@acme.example")),
    };
    let stored = StoredIdentity { organization: &organization, identity: &identity, active: true, groups: &groups };
    given.violations(stored).into_iter().map(|violation| violation.field).collect()
}

fn as_stored() -> IdentityInput {
    IdentityInput {
        email: "Ann@Acme.Example".to_owned(),
        given_name: "Ann".to_owned(),
        family_name: "Lee".to_owned(),
        job_title: "Clerk".to_owned(),
        manager_email: "boss@acme.example".to_owned(),
        active: Some(true),
        groups: ["organizations/acme/groups/a%2Fb", "organizations/acme/groups/eng"].map(str::to_owned).into(),
    }
}

#[test]
fn stored_and_empty_values_change_nothing() {
    assert_eq!(fields(&as_stored()), [""; 0]);
    assert_eq!(fields(&IdentityInput::default()), [""; 0]);
}

#[test]
fn each_field_with_another_value_is_a_violation() {
    let other = IdentityInput {
        email: "other@acme.example".to_owned(),
        given_name: "Bea".to_owned(),
        family_name: "Ray".to_owned(),
        job_title: "Boss".to_owned(),
        manager_email: "Boss@acme.example".to_owned(),
        active: Some(false),
        groups: vec!["organizations/acme/groups/eng".to_owned()],
    };
    assert_eq!(fields(&other), IDENTITY_PATHS.map(|path| format!("member.{path}")));
    let one = IdentityInput { job_title: "Boss".to_owned(), ..as_stored() };
    assert_eq!(fields(&one), ["member.job_title"]);
}
