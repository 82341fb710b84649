//! The RPCs of the contract by name, from its descriptors. Requests and responses are JSON.

use std::sync::OnceLock;

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions,
};
use serde_json::Value;
use tonic::{Status, transport::Channel};

use crate::raw_call::call_raw;

/// The package of the contract.
const PACKAGE: &str = "rollcall.v1";

/// Returns all descriptors of the contract.
pub fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(rollcall_proto::FILE_DESCRIPTOR_SET).unwrap())
}

/// One RPC of the contract.
#[derive(Clone, Debug)]
pub struct Rpc {
    method: MethodDescriptor,
}

impl Rpc {
    /// Returns every RPC, in the order of the proto files.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let services = pool().services().filter(|service| service.package_name() == PACKAGE);
        services.flat_map(|service| service.methods().collect::<Vec<_>>()).map(|method| Self { method }).collect()
    }

    /// Returns the RPC with the name `Service/Method`.
    #[must_use]
    pub fn find(name: &str) -> Self {
        let found = Self::all().into_iter().find(|rpc| rpc.name() == name);
        found.unwrap_or_else(|| panic!("the contract has no {name}"))
    }

    /// Returns the name, as `Service/Method`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.method.parent_service().name(), self.method.name())
    }

    /// Returns the descriptor of the method.
    #[must_use]
    pub fn method(&self) -> &MethodDescriptor {
        &self.method
    }

    /// Returns the descriptor of the request.
    #[must_use]
    pub fn input(&self) -> MessageDescriptor {
        self.method.input()
    }

    /// Returns the descriptor of the response.
    #[must_use]
    pub fn output(&self) -> MessageDescriptor {
        self.method.output()
    }

    /// Returns whether the request has a field.
    #[must_use]
    pub fn takes(&self, field: &str) -> bool {
        self.input().get_field_by_name(field).is_some()
    }

    /// Returns whether the response has a field.
    #[must_use]
    pub fn answers(&self, field: &str) -> bool {
        self.output().get_field_by_name(field).is_some()
    }

    /// Returns a request from its JSON. Field names may be in snake case.
    #[must_use]
    pub fn request(&self, json: &Value) -> DynamicMessage {
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let read = DynamicMessage::deserialize_with_options(self.input(), json.clone(), &options);
        read.unwrap_or_else(|error| panic!("{}: {error} in {json}", self.name()))
    }

    /// Calls the RPC with one encoded message. Returns the first message of a stream.
    ///
    /// # Errors
    /// The status that the server returns.
    pub async fn call_bytes(&self, channel: &Channel, request: Vec<u8>) -> Result<Vec<u8>, Status> {
        call_raw(channel.clone(), &self.path(), None, request).await
    }

    /// Calls the RPC with one message and a token, or without a token. The request and the response are JSON.
    ///
    /// # Errors
    /// The status that the server returns.
    pub async fn call_as(&self, channel: &Channel, token: Option<&str>, request: &Value) -> Result<Value, Status> {
        let message = self.request(request).encode_to_vec();
        Ok(self.read(&call_raw(channel.clone(), &self.path(), token, message).await?))
    }

    /// Returns the role that the contract declares, without its prefix.
    #[must_use]
    pub fn role(&self) -> String {
        let role = pool().get_extension_by_name("rollcall.v1.role").unwrap();
        let number = self.method.options().get_extension(&role).as_enum_number().unwrap_or_default();
        let name = rollcall_proto::v1::Role::try_from(number).unwrap().as_str_name();
        name.trim_start_matches("ROLE_").to_owned()
    }

    fn path(&self) -> String {
        format!("/{}/{}", self.method.parent_service().full_name(), self.method.name())
    }

    /// Calls the RPC with one message. The request and the response are JSON.
    ///
    /// # Errors
    /// The status that the server returns.
    pub async fn call(&self, channel: &Channel, request: &Value) -> Result<Value, Status> {
        self.call_message(channel, &self.request(request)).await
    }

    /// Calls the RPC with one message. The response is JSON.
    ///
    /// # Errors
    /// The status that the server returns.
    pub async fn call_message(&self, channel: &Channel, request: &DynamicMessage) -> Result<Value, Status> {
        Ok(self.read(&self.call_bytes(channel, request.encode_to_vec()).await?))
    }

    /// Returns an encoded response as JSON.
    #[must_use]
    pub fn read(&self, answer: &[u8]) -> Value {
        to_json(&DynamicMessage::decode(self.output(), answer).unwrap())
    }

    /// Returns the grpcurl command line of a call.
    #[must_use]
    pub fn grpcurl(&self, request: &[u8]) -> String {
        let message = DynamicMessage::decode(self.input(), request).unwrap();
        let json = to_json(&message).to_string().replace('\'', r"'\''");
        let service = self.method.parent_service();
        format!("grpcurl -plaintext -d '{json}' localhost:50051 {}/{}", service.full_name(), self.method.name())
    }
}

/// Returns a message as JSON, without fields that have no value.
#[must_use]
pub fn to_json(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
}
