//! The invariants of seats, and of any change of them.

use std::collections::BTreeMap;

use rollcall_proto::v1::{Catalog, ExportMembersCsvRequest, ListMembersRequest, Member, MemberStatus};

use super::organization::{ChangeResponse, SeatChange, SeatOrganization};

/// The state of members and seats in the API.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) members: BTreeMap<String, Member>,
    catalog: Catalog,
    revision: String,
    /// The members with a pending `gong`, the oldest first.
    queue: Vec<String>,
}

impl Snapshot {
    /// Returns the state of `gong` as `total: holders | pending`, with `*` for unlimited.
    pub(crate) fn line(&self) -> String {
        let gong = self.catalog.seat_types.iter().find(|seat| seat.seat_type == "gong").unwrap();
        let total = gong.total.map_or("*".to_owned(), |total| total.to_string());
        let line = format!("{total}: {} | {}", self.holders("gong").join(" "), self.queue.join(" "));
        line.replace(":  |", ": |").trim_end().to_owned()
    }

    fn holders(&self, seat: &str) -> Vec<String> {
        let holds = |member: &Member| member.held_seats.iter().any(|held| held == seat);
        self.members.iter().filter(|(_, member)| holds(member)).map(|(id, _)| id.clone()).collect()
    }

    fn waiting(&self, seat: &str) -> Vec<String> {
        let waits = |member: &Member| member.pending_seats.iter().any(|pending| pending == seat);
        self.members.iter().filter(|(_, member)| waits(member)).map(|(id, _)| id.clone()).collect()
    }

    /// Checks the invariants: each seat in the settings is held or pending, the catalog has the same counts, and if a
    /// seat is pending then all are used.
    fn check(&self) {
        for member in self.members.values() {
            let mut shown = [member.held_seats.clone(), member.pending_seats.clone()].concat();
            shown.sort_unstable();
            let given = member.settings.as_ref().unwrap().seats.clone();
            let claimed = if member.status() == MemberStatus::Active { given } else { Vec::new() };
            assert_eq!(shown, claimed, "{member:?}");
        }
        for seat in &self.catalog.seat_types {
            let counted = [self.holders(&seat.seat_type).len(), self.waiting(&seat.seat_type).len()];
            assert_eq!([seat.used, seat.pending].map(|count| usize::try_from(count).unwrap()), counted, "{seat:?}");
            assert!(seat.pending == 0 || seat.total.is_some_and(|total| seat.used >= total), "{seat:?}");
        }
        let mut queue = self.queue.clone();
        queue.sort_unstable();
        assert_eq!(queue, self.waiting("gong"));
    }
}

impl SeatOrganization<'_> {
    /// Reads the state, and checks the invariants.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        let request = ListMembersRequest { parent: self.org.name(), page_size: 1000, ..Default::default() };
        let listed = self.server.members().list_members(request).await.unwrap().into_inner();
        let id = |member: &Member| member.name.rsplit('/').next().unwrap().to_owned();
        let snapshot = Snapshot {
            members: listed.members.into_iter().map(|member| (id(&member), member)).collect(),
            catalog: self.catalog().await,
            revision: listed.revision,
            queue: self.queue().await,
        };
        snapshot.check();
        self.check_kept_counts(&snapshot).await;
        assert_eq!(self.seats_of_csv().await, self.held_of(&snapshot));
        snapshot
    }

    /// Compares the counts that the last write has kept, if it has kept them, with the counted seats.
    async fn check_kept_counts(&self, snapshot: &Snapshot) {
        let sql = "SELECT seat_counts::text FROM organizations WHERE id = $1 AND seat_counts_revision = revision";
        let row = self.server.database.client().await.query_opt(sql, &[&self.id]).await.unwrap();
        let kept: Option<serde_json::Value> = row.map(|row| serde_json::from_str(row.get(0)).unwrap());
        for seat in snapshot.catalog.seat_types.iter().filter(|seat| seat.total.is_some()) {
            if let Some(count) = kept.as_ref().and_then(|kept| kept.get(&seat.seat_type)) {
                let counted = serde_json::json!({ "used": seat.used, "pending": seat.pending });
                assert_eq!(*count, counted, "{}", seat.seat_type);
            }
        }
    }

    async fn queue(&self) -> Vec<String> {
        let sql = "SELECT member_id FROM pending_seats WHERE organization_id = $1 AND seat_type = 'gong' \
                   ORDER BY pending_revision, member_id";
        let rows = self.server.database.client().await.query(sql, &[&self.id]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn held_of(&self, snapshot: &Snapshot) -> BTreeMap<String, String> {
        snapshot.members.iter().map(|(id, member)| (id.clone(), member.held_seats.join(";"))).collect()
    }

    /// Returns the column `seats` of the team members CSV, by member.
    async fn seats_of_csv(&self) -> BTreeMap<String, String> {
        let request = ExportMembersCsvRequest { parent: self.org.name(), ..Default::default() };
        let mut stream = self.server.members().export_members_csv(request).await.unwrap().into_inner();
        let mut bytes = Vec::new();
        while let Some(piece) = stream.message().await.unwrap() {
            bytes.extend(piece.data);
        }
        let text = String::from_utf8(bytes).unwrap();
        let lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        lines.skip(1).map(|cells| (cells[1].to_owned(), cells[11].to_owned())).collect()
    }

    /// Validates a change, makes it, and compares the prediction with the effect.
    pub(crate) async fn make(&self, act: &SeatChange) -> ChangeResponse {
        let before = self.snapshot().await;
        let previewed = self.ask(act, true).await.unwrap();
        assert_eq!(self.snapshot().await, before, "{act:?} was only checked");
        let done = self.ask(act, false).await.unwrap();
        let after = self.snapshot().await;
        let mut other_seats = 0;
        for (id, member) in &after.members {
            let old = before.members.get(id).cloned().unwrap_or_default();
            other_seats += i32::from(old.held_seats != member.held_seats);
            let same = old.held_seats == member.held_seats && old.pending_seats == member.pending_seats;
            assert!(same || (old.etag != member.etag && old.update_time != member.update_time), "{act:?}: {member:?}");
        }
        let preview = previewed.preview.clone();
        assert_eq!(preview.as_ref().unwrap().held_seats_changes, other_seats, "{act:?}");
        assert_eq!(previewed, ChangeResponse { preview, ..done.clone() }, "{act:?}");
        done
    }
}
