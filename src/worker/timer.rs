//! Waiting. A JavaScript promise underneath, so that the future may move between tasks, and a
//! timer that is cleared when nobody waits any more, so that it does not keep an object alive.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(handler: &Function, milliseconds: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

pub(super) struct Timer {
    id: JsValue,
    elapsed: JsFuture,
}

impl Timer {
    pub fn new(duration: Duration) -> Timer {
        let mut id = JsValue::UNDEFINED;
        let milliseconds = duration.as_secs_f64() * 1_000.0;
        let promise = Promise::new(&mut |resolve, _reject| {
            id = set_timeout(&resolve, milliseconds);
        });
        Timer {
            id,
            elapsed: JsFuture::from(promise),
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.elapsed).poll(context).map(|_| ())
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}
