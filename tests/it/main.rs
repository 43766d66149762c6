mod manifest;
mod manifest_identity;
