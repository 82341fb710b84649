//! `ReportService`.

use rollcall_app::reports::{MIXED_FILE, MissingOrganization, Report, ReportFile, report_files};
use rollcall_domain::{Timestamp, names};
use rollcall_proto::v1::{self, report_service_server::ReportService};
use tokio_stream::StreamExt as _;
use tonic::{Request, Response, Status};

use super::Services;
use crate::{
    call::{parse, respond},
    convert::{enums::to_missing_reason, to_timestamp},
    status::to_status,
    streams::{FileStream, send_pieces},
};

/// How many of the organizations that a report lacks a response names at most.
const MISSING_MAX: usize = 100;

#[tonic::async_trait]
impl ReportService for Services {
    type DownloadReportStream = FileStream<v1::DownloadReportResponse>;

    async fn get_report(
        &self,
        request: Request<v1::GetReportRequest>,
    ) -> Result<Response<v1::GetReportResponse>, Status> {
        let name = parse(request, |request, checks| checks.take("name", names::parse_report(&request.name)))?;
        respond(self.app.get_report(&name).await, |report| v1::GetReportResponse {
            report: Some(self.to_report(&report)),
        })
    }

    async fn list_reports(
        &self,
        request: Request<v1::ListReportsRequest>,
    ) -> Result<Response<v1::ListReportsResponse>, Status> {
        let ((), page) = self.pages.parse_list(request, |_, _| Some(()))?;
        let after = page.after().and_then(|cursor| {
            let (time, id) = cursor.split_once(' ')?;
            Some((Timestamp::from_timestamp_micros(time.parse().ok()?)?, id))
        });
        respond(self.app.list_reports(after, page.limit()).await, |reports| {
            let render = |report: &Report| self.to_report(report);
            let cursor = |_: &[Report], last: &Report| format!("{} {}", last.published_at.timestamp_micros(), last.id);
            let (reports, next_page_token) = page.render(&reports, render, cursor);
            v1::ListReportsResponse { reports, next_page_token }
        })
    }

    async fn download_report(
        &self,
        request: Request<v1::DownloadReportRequest>,
    ) -> Result<Response<Self::DownloadReportStream>, Status> {
        let (report, file, offset) = parse(request, |request, checks| {
            let report = checks.take("name", names::parse_report(&request.name));
            checks.require(request.offset >= 0, "offset", "the offset must not be negative");
            Some((report?, request.file, u64::try_from(request.offset).unwrap_or_default()))
        })?;
        let file = if file.is_empty() { MIXED_FILE } else { &file };
        let to_message = |piece: Result<bytes::Bytes, rollcall_app::Error>| {
            let message = |data: bytes::Bytes| v1::DownloadReportResponse { data: data.into(), ..Default::default() };
            piece.map(message).map_err(to_status)
        };
        let download = self.app.download_report(&report, file, offset).await.map_err(to_status)?;
        let ReportFile { bytes, sha256, .. } = download.file;
        let end = v1::DownloadReportResponse { data: Vec::new(), sha256, bytes };
        let messages = download.pieces.map(to_message).chain(tokio_stream::once(Ok(end)));
        Ok(Response::new(send_pieces(messages, self.stream_time)))
    }
}

impl Services {
    fn to_report(&self, report: &Report) -> v1::Report {
        let files: Vec<v1::ReportFile> = report_files(report).into_iter().map(to_report_file).collect();
        let missing = &report.missing_organizations.0;
        v1::Report {
            name: names::report(&report.id),
            run: names::job_run(&report.job, report.run),
            data_as_of: Some(to_timestamp(report.data_as_of)),
            publish_time: Some(to_timestamp(report.published_at)),
            url: self.app.reports().url_of(&report.path),
            data: files.first().cloned(),
            organization_count: report.organizations,
            legacy_organization_count: report.legacy_organizations,
            mixed_assignment_count: report.mixed_assignments,
            files,
            missing_organization_count: i32::try_from(missing.len()).unwrap_or(i32::MAX),
            missing_organizations: missing.iter().take(MISSING_MAX).map(to_missing_organization).collect(),
        }
    }
}

fn to_missing_organization(missing: &MissingOrganization) -> v1::MissingOrganization {
    v1::MissingOrganization {
        organization: names::organization(&missing.organization),
        reason: to_missing_reason(missing.reason),
    }
}

fn to_report_file(file: ReportFile) -> v1::ReportFile {
    let ReportFile { file, rows, bytes, sha256 } = file;
    v1::ReportFile { file, rows, bytes, sha256 }
}
