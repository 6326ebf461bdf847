//! Refusals, in the shape of Discord's error bodies.
//!
//! Codes and messages: docs `topics/opcodes-and-status-codes`, "JSON"; nesting of form errors: docs `reference`,
//! "Error Messages".

use http::StatusCode;
use serde_json::{Map, Value, json};

/// An answer other than success.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: u32,
    pub(crate) message: String,
    pub(crate) errors: Option<Value>,
    /// Seconds to wait, where the refusal is a rate limit.
    pub(crate) retry_after: Option<f64>,
    pub(crate) global: bool,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: u32, message: &str) -> ApiError {
        ApiError {
            status,
            code,
            message: message.to_owned(),
            errors: None,
            retry_after: None,
            global: false,
        }
    }

    fn bad(code: u32, message: &str) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, code, message)
    }

    fn missing(code: u32, message: &str) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, code, message)
    }

    fn forbidden(code: u32, message: &str) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(crate) fn unauthorized() -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, 0, "401: Unauthorized")
    }

    pub(crate) fn no_such_route() -> ApiError {
        ApiError::missing(0, "404: Not Found")
    }

    pub(crate) fn method_not_allowed() -> ApiError {
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, 0, "405: Method Not Allowed")
    }

    pub(crate) fn bad_user_agent() -> ApiError {
        ApiError::forbidden(40333, "internal network error")
    }

    pub(crate) fn invalid_api_version() -> ApiError {
        ApiError::bad(50041, "Invalid API version")
    }

    pub(crate) fn unknown_channel() -> ApiError {
        ApiError::missing(10003, "Unknown Channel")
    }

    pub(crate) fn unknown_guild() -> ApiError {
        ApiError::missing(10004, "Unknown Guild")
    }

    pub(crate) fn unknown_member() -> ApiError {
        ApiError::missing(10007, "Unknown Member")
    }

    pub(crate) fn unknown_message() -> ApiError {
        ApiError::missing(10008, "Unknown Message")
    }

    pub(crate) fn unknown_overwrite() -> ApiError {
        ApiError::missing(10009, "Unknown Permission Overwrite")
    }

    pub(crate) fn unknown_role() -> ApiError {
        ApiError::missing(10011, "Unknown Role")
    }

    pub(crate) fn unknown_user() -> ApiError {
        ApiError::missing(10013, "Unknown User")
    }

    pub(crate) fn unknown_webhook() -> ApiError {
        ApiError::missing(10015, "Unknown Webhook")
    }

    pub(crate) fn unknown_interaction() -> ApiError {
        ApiError::missing(10062, "Unknown interaction")
    }

    pub(crate) fn unknown_application_command() -> ApiError {
        ApiError::missing(10063, "Unknown application command")
    }

    pub(crate) fn unknown_application() -> ApiError {
        ApiError::missing(10002, "Unknown Application")
    }

    pub(crate) fn too_many_pins(max: usize) -> ApiError {
        ApiError::bad(
            30003,
            &format!("Maximum number of pins reached for the channel ({max})"),
        )
    }

    pub(crate) fn too_many_roles() -> ApiError {
        ApiError::bad(30005, "Maximum number of guild roles reached (250)")
    }

    pub(crate) fn too_many_channels() -> ApiError {
        ApiError::bad(30013, "Maximum number of server channels reached (500)")
    }

    pub(crate) fn too_many_commands(max: usize) -> ApiError {
        ApiError::bad(
            30032,
            &format!("Maximum number of application commands reached ({max})."),
        )
    }

    pub(crate) fn too_many_daily_commands(retry_after: f64) -> ApiError {
        let mut error = ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            30034,
            "Max number of daily application command creates has been reached (200)",
        );
        error.retry_after = Some(retry_after);
        error
    }

    pub(crate) fn too_many_old_edits(retry_after: f64) -> ApiError {
        let mut error = ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            30046,
            "Maximum number of edits to messages older than 1 hour reached. Try again later.",
        );
        error.retry_after = Some(retry_after);
        error
    }

    pub(crate) fn resource_rate_limited(retry_after: f64) -> ApiError {
        let mut error = ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            0,
            "You are being rate limited.",
        );
        error.retry_after = Some(retry_after);
        error
    }

    pub(crate) fn too_large() -> ApiError {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            40005,
            "Request entity too large",
        )
    }

    pub(crate) fn already_acknowledged() -> ApiError {
        ApiError::bad(40060, "Interaction has already been acknowledged.")
    }

    pub(crate) fn missing_access() -> ApiError {
        ApiError::forbidden(50001, "Missing Access")
    }

    pub(crate) fn not_your_message() -> ApiError {
        ApiError::forbidden(50005, "Cannot edit a message authored by another user")
    }

    pub(crate) fn empty_message() -> ApiError {
        ApiError::bad(50006, "Cannot send an empty message")
    }

    pub(crate) fn not_a_text_channel() -> ApiError {
        ApiError::bad(50008, "Cannot send messages in a non-text channel")
    }

    pub(crate) fn missing_permissions() -> ApiError {
        ApiError::forbidden(50013, "Missing Permissions")
    }

    pub(crate) fn bulk_delete_count() -> ApiError {
        ApiError::bad(
            50016,
            "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete.",
        )
    }

    pub(crate) fn owner_cannot_leave() -> ApiError {
        ApiError::bad(50055, "Invalid Guild")
    }

    pub(crate) fn system_message() -> ApiError {
        ApiError::forbidden(50021, "Cannot execute action on a system message")
    }

    pub(crate) fn wrong_channel_type() -> ApiError {
        ApiError::bad(50024, "Cannot execute action on this channel type")
    }

    pub(crate) fn expired_webhook_token() -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, 50027, "Invalid Webhook Token")
    }

    pub(crate) fn managed_role() -> ApiError {
        ApiError::bad(50028, "Invalid Role")
    }

    pub(crate) fn bulk_delete_age() -> ApiError {
        ApiError::bad(50034, "A message provided was too old to bulk delete")
    }

    pub(crate) fn thread_archived() -> ApiError {
        ApiError::bad(50083, "Thread is archived")
    }

    pub(crate) fn invalid_json() -> ApiError {
        ApiError::bad(50109, "The request body contains invalid JSON.")
    }

    pub(crate) fn uploaded_file_not_found() -> ApiError {
        ApiError::bad(50146, "Uploaded file not found.")
    }

    pub(crate) fn has_a_thread() -> ApiError {
        ApiError::bad(160004, "A thread has already been created for this message")
    }

    pub(crate) fn thread_locked() -> ApiError {
        ApiError::bad(160005, "Thread is locked")
    }

    pub(crate) fn too_many_active_threads() -> ApiError {
        ApiError::bad(160006, "Maximum number of active threads reached")
    }

    /// `code` is optional in the docs' table for a 429, but required in Discord's OpenAPI document.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        if let Some(seconds) = self.retry_after {
            body["retry_after"] = json!(seconds);
            body["global"] = json!(self.global);
        }
        body
    }
}

/// Errors found in a form, gathered so that one answer names them all.
#[derive(Clone, Debug, Default)]
pub(crate) struct FormErrors {
    found: Vec<(Vec<String>, &'static str, String)>,
}

impl FormErrors {
    pub(crate) fn add(&mut self, path: &[String], code: &'static str, message: impl Into<String>) {
        self.found.push((path.to_vec(), code, message.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn extend(&mut self, other: FormErrors) {
        self.found.extend(other.found);
    }

    /// `Ok` where nothing was found wrong.
    pub(crate) fn finish(self) -> ApiResult<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut tree = Map::new();
        for (path, code, message) in self.found {
            place(&mut tree, &path, json!({"code": code, "message": message}));
        }
        let mut error = ApiError::bad(50035, "Invalid Form Body");
        error.errors = Some(Value::Object(tree));
        Err(error)
    }
}

/// Puts an error under its path: `path.0.path.1._errors`.
///
/// A node holds either errors of its own or fields with errors, never both (`ErrorDetails` in Discord's OpenAPI document):
/// what was found first stays.
fn place(node: &mut Map<String, Value>, path: &[String], error: Value) {
    match path.split_first() {
        None if node.is_empty() || node.contains_key("_errors") => {
            if let Value::Array(list) = node.entry("_errors").or_insert_with(|| json!([])) {
                list.push(error);
            }
        }
        Some((step, rest)) if !node.contains_key("_errors") => {
            if let Value::Object(inner) = node.entry(step.clone()).or_insert_with(|| json!({})) {
                place(inner, rest, error);
            }
        }
        None | Some(_) => {}
    }
}

/// A form error on one field.
pub(crate) fn form_error(
    path: &[&str],
    code: &'static str,
    message: impl Into<String>,
) -> ApiError {
    let mut errors = FormErrors::default();
    let path: Vec<String> = path.iter().map(|step| (*step).to_owned()).collect();
    errors.add(&path, code, message);
    match errors.finish() {
        Err(error) => error,
        Ok(()) => ApiError::bad(50035, "Invalid Form Body"),
    }
}
