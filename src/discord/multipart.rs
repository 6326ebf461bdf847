//! Bodies of uploads. <https://docs.discord.com/developers/reference#uploading-files>

use bytes::Bytes;

const FILE_NAME: usize = 80;
/// A longer ending is none: the name has a dot in it.
const ENDING: usize = 12;
/// What stands around a file, or around all of them, at most.
const AROUND_A_FILE: usize = 512;

/// A file to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// ASCII letters, digits, `.`, `-` and `_` only; see [`file_name`].
    pub name: String,
    pub content_type: &'static str,
    pub bytes: Bytes,
}

/// A body and the header that announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    pub content_type: String,
    pub bytes: Bytes,
}

pub fn json(payload: &serde_json::Value) -> Body {
    Body {
        content_type: "application/json".to_owned(),
        bytes: payload.to_string().into(),
    }
}

/// `payload_json` and one `files[n]` a file. The payload must name the files in `attachments`.
pub fn form(payload: &serde_json::Value, files: &[File], seed: u64) -> Body {
    let boundary = boundary(files, seed);
    let payload = payload.to_string();
    // A large file is there twice for a moment, and not in a buffer that grew to twice its size.
    let bytes: usize = files
        .iter()
        .map(|file| file.bytes.len() + AROUND_A_FILE)
        .sum();
    let mut body = Vec::with_capacity(payload.len() + bytes + AROUND_A_FILE);
    let mut part = |headers: &str, bytes: &[u8]| {
        body.extend_from_slice(format!("--{boundary}\r\n{headers}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    part(
        "Content-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json",
        payload.as_bytes(),
    );
    for (n, file) in files.iter().enumerate() {
        let name = file_name(&file.name);
        let headers = format!(
            "Content-Disposition: form-data; name=\"files[{n}]\"; filename=\"{name}\"\r\nContent-Type: {}",
            file.content_type
        );
        part(&headers, &file.bytes);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Body {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        bytes: body.into(),
    }
}

/// The nearest name that needs no quoting anywhere: other characters become `_`, and what is too
/// long loses some before its ending.
pub fn file_name(wanted: &str) -> String {
    let clean = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c,
        '.' | '-' | '_' => c,
        _ => '_',
    };
    let mut name: String = wanted.chars().map(clean).collect();
    // What programs know the file by stays.
    let ending = name.rfind('.').map(|dot| name.split_off(dot));
    let ending = ending.unwrap_or_default();
    if ending.len() <= ENDING {
        name.truncate(FILE_NAME.saturating_sub(ending.len()));
    }
    name.push_str(&ending);
    name.truncate(FILE_NAME);
    if name.trim_matches(['.', '_']).is_empty() {
        "file".to_owned()
    } else {
        name
    }
}

/// A boundary that occurs in no part. The payload is JSON and so has no line that begins with it.
fn boundary(files: &[File], seed: u64) -> String {
    let mut seed = seed;
    loop {
        let boundary = format!("dbcord{seed:016x}");
        let taken = files.iter().any(|file| {
            file.bytes
                .windows(boundary.len())
                .any(|window| window == boundary.as_bytes())
        });
        if !taken {
            return boundary;
        }
        seed = seed.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_contains_the_boundary_gets_another() {
        let files = [File {
            name: "a.json".into(),
            content_type: "application/json",
            bytes: "\r\n--dbcord0000000000000007\r\n".into(),
        }];
        let body = form(&serde_json::json!({}), &files, 7);
        assert!(body.content_type.ends_with("dbcord0000000000000008"));
    }

    #[test]
    fn names_are_made_harmless() {
        assert_eq!(file_name("a\"b\r\nc/ü.json"), "a_b__c__.json");
        assert_eq!(file_name("../.."), "file");
        assert_eq!(file_name(""), "file");
        let [long, cut, tail] = [100, 75, 78].map(|length| "a".repeat(length));
        assert_eq!(file_name(&format!("{long}.json")), format!("{cut}.json"));
        assert_eq!(file_name(&format!("{cut}.json")), format!("{cut}.json"));
        assert_eq!(file_name(&format!("a.{long}")), format!("a.{tail}"));
    }
}
