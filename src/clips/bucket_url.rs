//! The address of a bucket as it is typed: `s3://BUCKET/PREFIX`.

use std::fmt;
use std::str::FromStr;

/// Whose protocol a bucket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// S3, Amazon's or one like it.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Cloud {
    const ALL: [Self; 3] = [Self::S3, Self::Google, Self::Azure];

    /// How its addresses begin.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }

    /// How the names of the environment variables begin that configure its own tools.
    #[must_use]
    pub const fn variables(self) -> &'static str {
        match self {
            Self::S3 => "AWS_",
            Self::Google => "GOOGLE_",
            Self::Azure => "AZURE_",
        }
    }
}

/// A place in a bucket. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketUrl {
    /// Whose.
    pub cloud: Cloud,
    /// The bucket's name.
    pub bucket: String,
    /// What all names in it begin with, without a slash at either end; empty for the whole bucket.
    pub prefix: String,
}

impl BucketUrl {
    /// Whether a text is meant as a bucket's address and not as a folder's.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        Cloud::ALL.iter().any(|cloud| rest(text, *cloud).is_some())
    }

    /// The name in the bucket of what lies at `path` below the prefix.
    #[must_use]
    pub fn key(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) }
    }

    /// The address of what lies at `path` below the prefix.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}://{}/{}", self.cloud.scheme(), self.bucket, self.key(path))
    }
}

/// What follows the scheme.
fn rest(text: &str, cloud: Cloud) -> Option<&str> {
    text.strip_prefix(cloud.scheme())?.strip_prefix("://")
}

impl FromStr for BucketUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Cloud::ALL.iter().find_map(|cloud| Some((*cloud, rest(text, *cloud)?)));
        let Some((cloud, rest)) = found else {
            return Err("a bucket is written s3://BUCKET/PREFIX, gs://… or az://…".to_owned());
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let example = format!("write for example {}://films/summer", cloud.scheme());
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if bucket.is_empty() || !bucket.chars().all(is_name) {
            return Err(format!("no bucket can have the name {bucket:?}; {example}"));
        }
        let is_part = |part: &str| {
            let is_odd = |c: char| c.is_control() || matches!(c, '\\' | '?' | '#' | '%' | '*');
            !matches!(part, "" | "." | "..") && !part.chars().any(is_odd)
        };
        if !prefix.is_empty() && !prefix.split('/').all(is_part) {
            return Err(format!("{prefix:?} cannot be used as a prefix; {example}"));
        }
        Ok(Self { cloud, bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

/// As it is typed.
impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "{}://{}{slash}{}", self.cloud.scheme(), self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_cloud_a_bucket_and_a_prefix() {
        let url: BucketUrl = "s3://films/summer/one/".parse().unwrap();
        assert_eq!((url.cloud, &*url.bucket, &*url.prefix), (Cloud::S3, "films", "summer/one"));
        assert_eq!(url.to_string(), "s3://films/summer/one");
        assert_eq!(url.key("clips/a.mp4"), "summer/one/clips/a.mp4");
        assert_eq!(url.join("clips/a.mp4"), "s3://films/summer/one/clips/a.mp4");
        for text in ["gs://films", "az://films/海 1"] {
            assert_eq!(text.parse::<BucketUrl>().unwrap().to_string(), text);
        }
        assert_eq!("gs://films".parse::<BucketUrl>().unwrap().key("a"), "a");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "s3://",
            "s3:///summer",
            "s3://key:secret@films",
            "s3://films//a",
            "s3://films/../a",
            "s3://films/a?b=c",
            "ftp://films",
            "films",
        ] {
            assert!(text.parse::<BucketUrl>().is_err(), "{text}");
        }
        assert!(!BucketUrl::is_meant("renders/s3"));
        assert!(BucketUrl::is_meant("s3://"));
    }
}
