use prost::Message;
use tallystick_wire::FILE_DESCRIPTOR_SET;

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(message, repeated, tag = "1")]
    files: Vec<File>,
}

#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "6")]
    services: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "vec", repeated, tag = "2")]
    calls: Vec<Vec<u8>>,
}

#[test]
fn the_descriptor_set_lists_every_service() {
    let files = Files::decode(FILE_DESCRIPTOR_SET).unwrap().files;
    let services: Vec<_> = files
        .iter()
        .flat_map(|file| file.services.iter().map(|service| (&*file.package, service)))
        .map(|(package, service)| format!("{package}.{} {}", service.name, service.calls.len()))
        .collect();
    assert_eq!(
        services,
        [
            "tallystick.worker.v1.Workers 1",
            "tallystick.client.v1.Clients 16",
            "tallystick.blobs.v1.Blobs 3"
        ]
    );
}
