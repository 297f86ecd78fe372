//! Objects that cross from JavaScript: configuration, once for each machine, by the names it has there. A deserialiser would
//! do the same with 16 kB more in every bundle.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// An object whose fields the TypeScript side vouches for; what is missing reads as zero or false.
pub(super) struct Given<'a>(pub(super) &'a JsValue);

impl Given<'_> {
    pub(super) fn number(&self, name: &str) -> f64 {
        self.field(name).as_f64().unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.field(name).is_truthy()
    }

    /// An object in the object, if there is one.
    pub(super) fn part<T>(&self, name: &str, read: impl FnOnce(Given<'_>) -> T) -> Option<T> {
        let part = self.field(name);
        part.is_object().then(|| read(Given(&part)))
    }

    fn field(&self, name: &str) -> JsValue {
        Reflect::get(self.0, &JsValue::from_str(name)).unwrap_or_default()
    }
}
