mod manifest;
mod manifests;
