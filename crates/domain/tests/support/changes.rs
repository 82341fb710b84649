//! The changes of an organization in memory by tech admins and the identity provider: load, plan, apply. A refused
//! change applies nothing.

use std::collections::{BTreeSet, HashMap};

use rollcall_domain::{
    Assignment, Current, Email, Facts, Held, MemberId, MemberState, Organization, Phase, Plan, Proposal, Refusal,
    Scope,
    assignments::{
        AssignmentEdit, CreateAssignment, DeleteAssignment, Deletion, NewAssignment, ReorderAssignments,
        UpdateAssignment,
    },
    directory::{Directory, KnownMember, MassChangeLimit, ParsedRows, RawRows, SyncDirectory, SyncMode},
    email_export::{MemberExport, Setting, Source},
    members::{EditMember, MemberEdit, MoveMembers, ReleaseMembers},
    migration::{
        AddressHolder, ImportContext, ImportPlan, LegacyAssignment, LegacyMember, LegacyRow, MigrationPlan,
        check_legacy_rows, plan_import, plan_migration,
    },
    seats::Claimant,
};
use uuid::Uuid;

use super::{Org, Person, assignment, at, member, organization};

impl Org {
    pub(crate) fn create(&mut self, new: Assignment, position: Option<u32>) -> Result<Plan, Refusal> {
        let new = NewAssignment { assignment: new, uid: Uuid::nil(), position };
        self.change(|current| Ok(Proposal::CreateAssignment(CreateAssignment::propose(current, new, None)?)))
    }

    pub(crate) fn update(&mut self, id: &str, edit: &AssignmentEdit) -> Result<Plan, Refusal> {
        let id = assignment(id);
        self.change(|current| Ok(Proposal::UpdateAssignment(UpdateAssignment::propose(current, &id, edit, None)?)))
    }

    pub(crate) fn move_to(&mut self, id: &str, position: u32) -> Result<Plan, Refusal> {
        let id = assignment(id);
        self.change(|current| {
            Ok(Proposal::ReorderAssignments(ReorderAssignments::propose_move(current, &id, position)?))
        })
    }

    pub(crate) fn reorder(&mut self, ids: &[&str]) -> Result<Plan, Refusal> {
        let order: Vec<_> = ids.iter().map(|id| assignment(id)).collect();
        self.change(|current| Ok(Proposal::ReorderAssignments(ReorderAssignments::propose(current, &order)?)))
    }

    pub(crate) fn delete(&mut self, id: &str, resolve_members: bool) -> Result<Plan, Refusal> {
        let count = |has: &dyn Fn(&&Person) -> bool| {
            u32::try_from(self.people.values().filter(has).count()).unwrap_or(u32::MAX)
        };
        let id = assignment(id);
        let members = count(&|person| person.held.assignment == id);
        let pins = count(&|person| person.pin.as_ref() == Some(&id));
        let deletion = Deletion { id: &id, members, pins, resolve_members };
        self.change(|current| Ok(Proposal::DeleteAssignment(DeleteAssignment::propose(current, deletion)?)))
    }

    pub(crate) fn edit_member(&mut self, id: &str, edit: MemberEdit) -> Result<Plan, Refusal> {
        let wanted = member(id);
        let state = self.states(&self.list(), |id, _| *id == wanted).pop();
        let state = state.ok_or(Refusal::MemberNotFound(vec![wanted]))?;
        self.change(|current| Ok(Proposal::EditMember(EditMember::propose(current, state, edit, vec![])?)))
    }

    pub(crate) fn move_members(&mut self, ids: &[&str], target: &str) -> Result<Plan, Refusal> {
        let (members, target) = (self.known(ids), assignment(target));
        self.change(|current| Ok(Proposal::MoveMembers(MoveMembers::propose(current, &members, &target, "")?)))
    }

    pub(crate) fn release(&mut self, ids: &[&str]) -> Plan {
        let members = self.known(ids);
        let release = ReleaseMembers { members: &members };
        self.change(|_| Ok(Proposal::ReleaseMembers(release))).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    fn known(&self, ids: &[&str]) -> Vec<MemberId> {
        ids.iter().map(|id| member(id)).filter(|id| self.people.contains_key(id)).collect()
    }

    pub(crate) fn sync(&mut self, mode: SyncMode, rows: RawRows) -> Result<Plan, Refusal> {
        self.sync_within(mode, rows, None)
    }

    /// Syncs under a limit, or under none.
    pub(crate) fn sync_within(
        &mut self,
        mode: SyncMode,
        rows: RawRows,
        limit: Option<MassChangeLimit>,
    ) -> Result<Plan, Refusal> {
        self.limit = limit.unwrap_or_default();
        let rows = ParsedRows::parse(mode, rows)?;
        let sync = SyncDirectory { rows: &rows, allow_mass_change: limit.is_none() };
        let synced = self.change(|_| Ok(Proposal::SyncDirectory(sync)));
        self.limit = MassChangeLimit::default();
        synced
    }

    /// The organization, as a proposal is checked against it.
    pub(crate) fn organization(&self) -> Organization {
        Organization {
            id: organization(),
            uid: Uuid::nil(),
            display_name: "Acme".to_owned(),
            phase: self.phase,
            mass_change_limit: self.limit,
            catalog: self.catalog.clone(),
            catalog_revision: 1,
            revision: 1,
            updated_revision: 1,
            last_write_at: at(0),
            created_at: at(0),
            updated_at: at(0),
            email_domains: self.email_domains.clone(),
            wave: 0,
        }
    }

    /// Proposes, plans and applies a change, a minute after the change before. Plans with what a loader would load, and
    /// checks that loading every member would make no difference.
    fn change<'a>(
        &mut self,
        propose: impl FnOnce(Current<'_>) -> Result<Proposal<'a>, Refusal>,
    ) -> Result<Plan, Refusal> {
        self.minute += 1;
        let (before, list, now) = (self.organization(), self.list(), self.now());
        let current = Current { organization: &before, list: &list };
        let proposal = propose(current)?;
        let facts = self.facts(&proposal, current);
        let plan = proposal.plan(current, &facts, now);
        let whole = proposal.plan(current, &self.all_facts(&proposal, current), now);
        assert_eq!(plan, whole, "the scope has every member that a change can touch");
        let plan = plan?;
        let people = self.people.clone();
        self.apply_directory(&plan);
        self.apply(&plan);
        self.check_claims(&people, Claimant::list(&plan, &facts));
        Ok(plan)
    }

    /// What a loader would load for the scope of a proposal.
    fn facts(&self, proposal: &Proposal<'_>, current: Current<'_>) -> Facts {
        let list = proposal.list(current);
        let facts = Facts { states: self.export_states(), ..Facts::default() };
        match proposal.scope() {
            Scope::NoMember => facts,
            Scope::Loaded(member) => Facts { members: vec![member.clone()], ..facts },
            Scope::Named(members) => Facts { members: self.states(list, |id, _| members.contains(id)), ..facts },
            Scope::Directory(rows) => {
                let (named, emails) = (rows.named_members(), rows.emails().collect::<BTreeSet<&Email>>());
                let mut directory = self.directory(|id, person| {
                    rows.mode == SyncMode::Full
                        || named.contains(id)
                        || (person.active && emails.contains(&person.identity.email))
                });
                if rows.mode == SyncMode::Delta {
                    let groups = rows.named_groups();
                    directory.groups.retain(|id, _| groups.contains(id));
                    let touched = u32::try_from(directory.members.len()).unwrap_or(u32::MAX);
                    directory.active_members =
                        directory.active_members.min(self.limit.active_members_to_count(touched));
                }
                Facts { directory, ..facts }
            }
            scope => Facts { members: self.affected(list, scope), ..facts },
        }
    }

    /// Everything that the scope of a proposal could need, and more.
    fn all_facts(&self, proposal: &Proposal<'_>, current: Current<'_>) -> Facts {
        let everybody = || self.states(proposal.list(current), |_, _| true);
        match proposal.scope() {
            Scope::Affected { .. } | Scope::Overtaken(_) => {
                Facts { members: everybody(), states: self.export_states(), ..Facts::default() }
            }
            Scope::Directory(_) => {
                Facts { directory: self.directory(|_, _| true), states: self.export_states(), ..Facts::default() }
            }
            _ => self.facts(proposal, current),
        }
    }

    fn directory(&self, loaded: impl Fn(&MemberId, &Person) -> bool) -> Directory {
        let known = |person: &Person| KnownMember {
            identity: person.identity.clone(),
            active: person.active,
            held: person.held.clone(),
            pin: person.pin.clone(),
            has_legacy: person.legacy.is_some(),
        };
        let people: Vec<_> = self.people.iter().filter(|(id, person)| loaded(id, person)).collect();
        let active = self.people.values().filter(|person| person.active).count();
        Directory {
            members: people.iter().map(|(id, person)| ((*id).clone(), known(person))).collect(),
            groups: self.groups.clone().into_iter().collect(),
            memberships: people.iter().map(|(id, person)| ((*id).clone(), person.groups.clone())).collect(),
            unmatched: self.unmatched.clone().into_iter().collect(),
            active_members: u32::try_from(active).unwrap_or(u32::MAX),
        }
    }

    /// Writes what a sync changes in the directory. A new member is written with what the plan gives to the member.
    fn apply_directory(&mut self, plan: &Plan) {
        let sync = &plan.directory;
        for group in &sync.groups {
            let known = rollcall_domain::directory::KnownGroup {
                display_name: group.display_name.clone(),
                present: group.present,
            };
            self.groups.insert(group.id.clone(), known);
        }
        let entered: HashMap<&MemberId, &Held> =
            plan.members.iter().map(|change| (&change.member, &change.after)).collect();
        for upsert in &sync.members {
            let (identity, active) = (upsert.identity.as_ref().clone(), upsert.active);
            if let Some(person) = self.people.get_mut(&upsert.id) {
                assert!(!upsert.is_new, "{} is known", upsert.id);
                (person.identity, person.active) = (identity, active);
                continue;
            }
            assert!(upsert.is_new, "{} is new", upsert.id);
            let held = entered.get(&upsert.id).copied().cloned();
            let held = held.unwrap_or_else(|| panic!("{} enters no assignment", upsert.id));
            let (pin, groups, legacy) = (None, BTreeSet::new(), None);
            let person = Person { identity, active, held, pin, groups, legacy };
            self.people.insert(upsert.id.clone(), person);
        }
        for (id, group) in &sync.removed {
            self.people.entry(id.clone()).and_modify(|p| assert!(p.groups.remove(group)));
        }
        for (id, group) in &sync.added {
            self.people.entry(id.clone()).and_modify(|p| assert!(p.groups.insert(group.clone())));
        }
        for (id, address, export) in &sync.bindings {
            assert_eq!(self.unmatched.remove(address), Some(*export), "{address} was waiting");
            self.people.entry(id.clone()).and_modify(|p| p.legacy = Some(*export));
        }
    }

    pub(crate) fn import(&mut self, rows: Vec<LegacyRow>) -> Result<ImportPlan, Refusal> {
        let active_first = |active: bool| self.people.iter().filter(move |(_, p)| p.active == active);
        let mut holders = HashMap::new();
        for (id, person) in active_first(true).chain(active_first(false)) {
            let holder = AddressHolder { member: id.clone(), legacy: person.legacy };
            holders.entry(person.identity.email.clone()).or_insert(holder);
        }
        let unmatched = self.unmatched.clone().into_iter().collect();
        let organization = organization();
        let context =
            ImportContext { organization: &organization, phase: self.phase, holders: &holders, unmatched: &unmatched };
        let plan = plan_import(&check_legacy_rows(rows), &context)?;
        for (id, export) in &plan.bound {
            self.people.entry(id.clone()).and_modify(|person| person.legacy = Some(*export));
        }
        for address in &plan.newly_matched {
            self.unmatched.remove(address);
        }
        self.unmatched.extend(plan.unmatched.iter().cloned());
        Ok(plan)
    }

    pub(crate) fn migrate(&mut self) -> MigrationPlan {
        let legacy = |(id, person): (&MemberId, &Person)| LegacyMember {
            id: id.clone(),
            active: person.active,
            assignment: person.held.assignment.clone(),
            legacy: person.legacy,
        };
        let members: Vec<LegacyMember> = self.people.iter().map(legacy).collect();
        let listed = |(_, assignment): (u32, &Assignment)| LegacyAssignment {
            id: assignment.id.clone(),
            display_name: assignment.display_name.clone(),
            update_mode: assignment.update_mode,
        };
        let plan = plan_migration(self.list().ranked().map(listed).collect(), &members);
        for (id, setting) in &plan.members {
            let export = MemberExport { setting: *setting, source: Source::Migration };
            self.people.entry(id.clone()).and_modify(|p| p.held.export = Some(export));
        }
        for outcome in &plan.outcomes {
            let mut all = self.listed.iter_mut().chain([&mut self.default]);
            if let Some(found) = all.find(|a| a.id == outcome.assignment) {
                found.chosen = outcome.chosen;
            }
        }
        self.phase = Phase::Migrated;
        plan
    }

    /// Returns the effective setting of a member in either phase.
    pub(crate) fn effective(&self, person: &Person) -> Setting {
        match (self.phase, person.held.export) {
            (Phase::Migrated, Some(export)) => export.setting,
            _ => Setting::carried_over(person.legacy),
        }
    }
}
