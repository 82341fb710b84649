//! An organization with seats, and the changes that affect them.

use prost_types::FieldMask;
use rollcall_proto::v1::{
    Assignment, Catalog, DeleteAssignmentRequest, DirectoryGroup, DirectoryMember, EmailExport, GetCatalogRequest,
    Member, MemberStatus, Membership, MoveAssignmentRequest, MoveMembersRequest, Phase, Preview, ReleaseMembersRequest,
    SeatType, Settings, SyncDirectoryRequest, SyncDirectoryResponse, SyncMode, UpdateAssignmentRequest,
    UpdateCatalogRequest, UpdateCatalogResponse, UpdateMemberSettingsRequest, UpdateMode, Warning,
};
use rollcall_testkit::{Org, TestServer};
use tonic::{Response, Status};

/// A change by a tech admin or by the identity provider.
#[derive(Clone, Debug)]
pub(crate) enum SeatChange {
    /// These members are added, to a group or to none.
    Come(&'static [&'static str], &'static str),
    /// These members become active or inactive.
    Active(&'static [&'static str], bool),
    /// The total of `gong` changes. `None` means unlimited.
    Total(Option<i32>),
    /// These members move to an assignment.
    Move(&'static [&'static str], &'static str),
    /// These members are released.
    Release(&'static [&'static str]),
    /// A member's seats are edited.
    Edit(&'static str, &'static [&'static str]),
    /// An assignment's seats are edited.
    Give(&'static str, &'static [&'static str]),
    /// An assignment moves to the first position.
    First(&'static str),
    /// An assignment is deleted, and its members are resolved again.
    Delete(&'static str),
}

/// The response of a change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChangeResponse {
    pub(crate) preview: Option<Preview>,
    pub(crate) warnings: Vec<Warning>,
    /// The seats in the response itself.
    pub(crate) shown: String,
}

macro_rules! answered {
    ($response:expr, $answer:ident => $shown:expr) => {{
        let $answer = $response?.into_inner();
        let shown = format!("{:?}", $shown);
        Ok(ChangeResponse { preview: $answer.preview, warnings: $answer.warnings, shown })
    }};
}

/// An organization with the automatic assignments `sales` and `support` and the manual one `care`, for the groups of
/// the same names. All of them have the seat `gong`. The default assignment has none.
pub(crate) struct SeatOrganization<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) org: Org<'a>,
    pub(crate) id: &'a str,
}

impl<'a> SeatOrganization<'a> {
    pub(crate) async fn open(server: &'a TestServer, id: &'a str, total: Option<i32>) -> Self {
        let org = Org::create(server, id, Phase::Migrated).await;
        let organization = Self { server, org, id };
        organization.set_total(total, false).await.unwrap();
        let group = |id: &str| DirectoryGroup { group: id.to_owned(), ..Default::default() };
        let groups = ["sales", "support", "care"].map(group).to_vec();
        organization.sync(SyncDirectoryRequest { groups, ..Default::default() }).await.unwrap();
        for id in ["sales", "support", "care"] {
            let manual = id == "care";
            let mode = if manual { UpdateMode::ManualEditing } else { UpdateMode::AutomaticUpdates };
            let mut request = org.new_assignment(id, &[id], mode, Some(EmailExport::Export));
            request.assignment.as_mut().unwrap().settings = given(&["gong"]);
            server.assignments().create_assignment(request).await.unwrap();
        }
        organization
    }

    /// Makes a change, or validates it.
    pub(crate) async fn ask(&self, act: &SeatChange, validate_only: bool) -> Result<ChangeResponse, Status> {
        match act {
            SeatChange::Come(ids, group) => {
                let joining = if group.is_empty() { &[] } else { *ids };
                let memberships = joining.iter().map(|id| membership(id, group)).collect();
                let members = self.rows(ids, true);
                let request = SyncDirectoryRequest { members, memberships, validate_only, ..Default::default() };
                answered!(self.sync(request).await, answer => answer.counts)
            }
            SeatChange::Active(ids, active) => {
                let members = self.rows(ids, *active);
                let request = SyncDirectoryRequest { members, validate_only, ..Default::default() };
                answered!(self.sync(request).await, answer => answer.counts)
            }
            SeatChange::Total(total) => {
                answered!(self.set_total(*total, validate_only).await, answer => answer.catalog.unwrap().seat_types)
            }
            SeatChange::Give(id, seats) => self.give(id, seats, validate_only).await,
            SeatChange::First(id) => {
                let name = self.org.assignment(id);
                let request = MoveAssignmentRequest { name, position: 1, validate_only, ..Default::default() };
                answered!(self.server.assignments().move_assignment(request).await, answer => ())
            }
            SeatChange::Delete(id) => {
                let name = self.org.assignment(id);
                let request =
                    DeleteAssignmentRequest { name, resolve_members: true, validate_only, ..Default::default() };
                answered!(self.server.assignments().delete_assignment(request).await, answer => ())
            }
            SeatChange::Move(..) | SeatChange::Release(..) | SeatChange::Edit(..) => {
                self.ask_of_members(act, validate_only).await
            }
        }
    }

    async fn ask_of_members(&self, act: &SeatChange, validate_only: bool) -> Result<ChangeResponse, Status> {
        let (mut client, parent) = (self.server.members(), self.org.name());
        let names = |ids: &[&str]| ids.iter().map(|id| self.org.member(id)).collect();
        match act {
            SeatChange::Move(ids, target) => {
                let (members, assignment) = (names(ids), self.org.assignment(target));
                let request = MoveMembersRequest { parent, members, assignment, validate_only, ..Default::default() };
                answered!(client.move_members(request).await, answer => answer.moved_count)
            }
            SeatChange::Release(ids) => {
                let members = names(ids);
                let request = ReleaseMembersRequest { parent, members, validate_only, ..Default::default() };
                answered!(client.release_members(request).await, answer => answer.released_count)
            }
            SeatChange::Edit(id, seats) => {
                let member = Some(Member { name: self.org.member(id), settings: given(seats), ..Default::default() });
                let update_mask = Some(FieldMask { paths: vec!["settings.seats".to_owned()] });
                let request = UpdateMemberSettingsRequest { member, update_mask, validate_only, ..Default::default() };
                let seats = |member: &Option<Member>| member.clone().map(|m| (m.held_seats, m.pending_seats));
                answered!(client.update_member_settings(request).await, answer => seats(&answer.member))
            }
            other => panic!("{other:?} is not about members"),
        }
    }

    pub(crate) async fn give(&self, id: &str, seats: &[&str], validate_only: bool) -> Result<ChangeResponse, Status> {
        let assignment =
            Some(Assignment { name: self.org.assignment(id), settings: given(seats), ..Default::default() });
        let update_mask = Some(FieldMask { paths: vec!["settings.seats".to_owned()] });
        let request = UpdateAssignmentRequest { assignment, update_mask, validate_only, ..Default::default() };
        answered!(self.server.assignments().update_assignment(request).await, answer => ())
    }

    /// Makes a DELTA sync.
    pub(crate) async fn sync(&self, request: SyncDirectoryRequest) -> Result<Response<SyncDirectoryResponse>, Status> {
        let request = SyncDirectoryRequest { parent: self.org.name(), mode: SyncMode::Delta.into(), ..request };
        let answer = self.server.directory().sync_directory(tokio_stream::once(request)).await?;
        assert_eq!(answer.get_ref().rejected_count, 0, "{answer:?}");
        Ok(answer)
    }

    fn rows(&self, ids: &[&str], active: bool) -> Vec<DirectoryMember> {
        ids.iter().map(|id| row(id, active)).collect()
    }

    pub(crate) async fn catalog(&self) -> Catalog {
        let request = GetCatalogRequest { name: format!("{}/catalog", self.org.name()), ..Default::default() };
        self.server.organizations().get_catalog(request).await.unwrap().into_inner().catalog.unwrap()
    }

    pub(crate) async fn gong(&self) -> SeatType {
        self.catalog().await.seat_types.into_iter().find(|seat| seat.seat_type == "gong").unwrap()
    }

    /// Sets the seat types: `gong` with a total, and `engage`, which requires `gong`.
    pub(crate) async fn set_total(
        &self,
        total: Option<i32>,
        validate_only: bool,
    ) -> Result<Response<UpdateCatalogResponse>, Status> {
        let gong = SeatType { total, ..seat_type("gong", &[]) };
        self.set_seat_types(vec![gong, seat_type("engage", &["gong"])], validate_only).await
    }

    pub(crate) async fn set_seat_types(
        &self,
        seat_types: Vec<SeatType>,
        validate_only: bool,
    ) -> Result<Response<UpdateCatalogResponse>, Status> {
        let catalog = Some(Catalog { seat_types, ..self.catalog().await });
        let request = UpdateCatalogRequest { catalog, validate_only, ..Default::default() };
        self.server.organizations().update_catalog(request).await
    }
}

pub(crate) fn seat_type(id: &str, requires: &[&str]) -> SeatType {
    let requires = requires.iter().map(|&required| required.to_owned()).collect();
    SeatType { seat_type: id.to_owned(), requires, ..Default::default() }
}

/// Returns the row of a member in a sync.
pub(crate) fn row(id: &str, active: bool) -> DirectoryMember {
    let status = if active { MemberStatus::Active } else { MemberStatus::Inactive };
    DirectoryMember {
        member: id.to_owned(),
        email: format!("{id}@acme.example"),
        status: status.into(),
        ..Default::default()
    }
}

pub(crate) fn membership(member: &str, group: &str) -> Membership {
    Membership { group: group.to_owned(), member: member.to_owned() }
}

fn given(seats: &[&str]) -> Option<Settings> {
    Some(Settings { seats: seats.iter().map(|seat| (*seat).to_owned()).collect(), ..Default::default() })
}
