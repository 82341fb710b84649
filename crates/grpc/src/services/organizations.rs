//! `OrganizationService`.

use rollcall_app::organizations::{Create, Organization};
use rollcall_domain::{OrganizationId, Phase, Violation, directory::MassChangeLimit};
use rollcall_proto::v1::{self, organization_service_server::OrganizationService};
use tonic::{Request, Response, Status};

use super::{Services, optional_id};
use crate::{
    convert::{caller, catalog, settings::unknown_value, to_timestamp},
    names,
    request::Checks,
    status::to_status,
    tokens,
};

#[tonic::async_trait]
impl OrganizationService for Services {
    async fn create_organization(
        &self,
        request: Request<v1::CreateOrganizationRequest>,
    ) -> Result<Response<v1::CreateOrganizationResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        checks.not_honoured_yet("request_id", !request.request_id.is_empty());
        let id = optional_id(&mut checks, "organization_id", &request.organization_id, OrganizationId::parse);
        let organization = request.organization.unwrap_or_default();
        let phase = checks.take("organization.phase", parse_phase(organization.phase));
        let limit = organization.mass_change_limit.map(parse_limit).transpose();
        let limit = checks.take("organization.mass_change_limit", limit).flatten();
        let phase = checks.finish_with(phase)?;
        let create = Create { id, display_name: organization.display_name, phase, mass_change_limit: limit };
        let caller = caller("CreateOrganization", request.validate_only);
        let created = self.app.create_organization(&caller, create).await.map_err(to_status)?;
        Ok(Response::new(v1::CreateOrganizationResponse {
            revision: tokens::revision(&created.value.id, created.revision),
            organization: Some(to_organization(&created.value)),
        }))
    }

    async fn get_organization(
        &self,
        request: Request<v1::GetOrganizationRequest>,
    ) -> Result<Response<v1::GetOrganizationResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let id = checks.take("name", names::parse_organization(&request.name));
        let at_least = checks.at_least(id.as_ref(), &request.at_least_revision);
        let id = checks.finish_with(id)?;
        let read = self.app.get_organization(&id, at_least).await.map_err(to_status)?;
        Ok(Response::new(v1::GetOrganizationResponse {
            organization: Some(to_organization(&read.value)),
            revision: tokens::revision(&id, read.revision),
        }))
    }

    async fn get_catalog(
        &self,
        request: Request<v1::GetCatalogRequest>,
    ) -> Result<Response<v1::GetCatalogResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let id = checks.take("name", names::parse_singleton(&request.name, "catalog"));
        let at_least = checks.at_least(id.as_ref(), &request.at_least_revision);
        let id = checks.finish_with(id)?;
        let read = self.app.get_organization(&id, at_least).await.map_err(to_status)?;
        let found = read.value;
        Ok(Response::new(v1::GetCatalogResponse {
            catalog: Some(catalog::to_catalog(&id, &found.catalog, found.catalog_revision)),
            revision: tokens::revision(&id, read.revision),
        }))
    }

    async fn update_catalog(
        &self,
        request: Request<v1::UpdateCatalogRequest>,
    ) -> Result<Response<v1::UpdateCatalogResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        checks.not_honoured_yet("request_id", !request.request_id.is_empty());
        let given = request.catalog.unwrap_or_default();
        let id = checks.take("catalog.name", names::parse_singleton(&given.name, "catalog"));
        checks.require(!given.etag.is_empty(), "catalog.etag", "the etag is required: take it from GetCatalog");
        let etag = given.etag.clone();
        let document = catalog::parse_catalog(&mut checks, given);
        let id = checks.finish_with(id)?;
        let caller = caller("UpdateCatalog", request.validate_only);
        let changed = self.app.update_catalog(&caller, &id, &document, &etag).await.map_err(to_status)?;
        let found = changed.value;
        Ok(Response::new(v1::UpdateCatalogResponse {
            catalog: Some(catalog::to_catalog(&id, &found.catalog, found.catalog_revision)),
            revision: tokens::revision(&id, changed.revision),
        }))
    }
}

fn parse_phase(phase: i32) -> Result<Phase, Violation> {
    match v1::Phase::try_from(phase) {
        Ok(v1::Phase::Unspecified | v1::Phase::Migrated) => Ok(Phase::Migrated),
        Ok(v1::Phase::Legacy) => Ok(Phase::Legacy),
        Err(_) => Err(unknown_value(phase)),
    }
}

fn parse_limit(limit: v1::MassChangeLimit) -> Result<MassChangeLimit, Violation> {
    let negative = |_| Violation::invalid("", "the limits must not be negative");
    Ok(MassChangeLimit {
        members: u32::try_from(limit.members).map_err(negative)?,
        percent: u32::try_from(limit.percent).map_err(negative)?,
    })
}

fn to_organization(organization: &Organization) -> v1::Organization {
    let phase = match organization.phase {
        Phase::Legacy => v1::Phase::Legacy,
        Phase::Migrated => v1::Phase::Migrated,
    };
    v1::Organization {
        name: names::organization(&organization.id),
        uid: organization.uid.to_string(),
        display_name: organization.display_name.clone(),
        phase: phase.into(),
        mass_change_limit: Some(v1::MassChangeLimit {
            members: organization.mass_change_limit.members.cast_signed(),
            percent: organization.mass_change_limit.percent.cast_signed(),
        }),
        etag: organization.updated_revision.to_string(),
        create_time: Some(to_timestamp(organization.created_at)),
        update_time: Some(to_timestamp(organization.updated_at)),
    }
}
