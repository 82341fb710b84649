//! The tests of the commands, one module for each part.

#![allow(clippy::unwrap_used)]

mod demo;
mod doctor;
mod error;
mod folder;
mod folder_fuzz;
mod import;
mod job;
mod legacy_settings_file;
mod migration;
mod records;
mod report;
mod values;
