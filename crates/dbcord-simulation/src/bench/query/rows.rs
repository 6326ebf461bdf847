//! The rows that are asked for, of some 300 bytes each.

use serde_json::{Value, json};

const CITIES: usize = 50;
const ROLES: [&str; 5] = ["admin", "guest", "student", "teacher", "visitor"];
/// What a row is filled up to.
const BYTES: usize = 300;

/// People, made up and always the same.
pub struct Users {
    /// Of the one with each number, and of no other: the numbers themselves in another order.
    points: Vec<usize>,
}

impl Users {
    pub fn new(rows: usize) -> Users {
        let mut points: Vec<usize> = (0..rows).collect();
        fastrand::Rng::with_seed(1).shuffle(&mut points);
        Users { points }
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Keys and documents as compact JSON, in the order of the keys.
    pub fn rows(&self) -> impl Iterator<Item = (String, String)> {
        let rows = self.points.iter().enumerate();
        rows.map(|(number, points)| (Users::key(number), document(number, *points).to_string()))
    }

    pub fn key(number: usize) -> String {
        format!("u_{number:06}")
    }

    /// The same in no order that keys have.
    pub fn email(number: usize) -> String {
        let name = fastrand::Rng::with_seed(number as u64).u32(..);
        format!("{name:08x}.{number}@example.com")
    }

    pub fn city(number: usize) -> String {
        format!("City of {:02}", number % CITIES)
    }
}

fn document(number: usize, points: usize) -> Value {
    let mut random = fastrand::Rng::with_seed(!(number as u64));
    let mut document = json!({
        "id": Users::key(number),
        "email": Users::email(number),
        "name": {"first": word(&mut random), "last": word(&mut random)},
        "role": ROLES[random.usize(..ROLES.len())],
        "age": random.u32(18..80),
        "active": random.bool(),
        "city": Users::city(random.usize(..)),
        "points": points,
        "tags": [word(&mut random), word(&mut random)],
        "notes": "",
    });
    let mut notes = String::new();
    let frame = document.to_string().len();
    while frame + notes.len() < BYTES {
        notes.push_str(&word(&mut random));
        notes.push(' ');
    }
    document["notes"] = notes.into();
    document
}

fn word(random: &mut fastrand::Rng) -> String {
    let length = random.usize(3..10);
    (0..length).map(|_| random.lowercase()).collect()
}
