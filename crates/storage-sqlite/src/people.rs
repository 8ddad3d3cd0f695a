//! Who has which number.

use callbox_domain::{AppId, UserId};
use callbox_storage::StoreResult;
use rusqlite::params;

use crate::heads::PersonHead;
use crate::numbers::Person;
use crate::transaction::Transaction;

impl Transaction<'_, '_> {
    /// A user's number; `None` for those who have never had one.
    pub(crate) fn person(&self, app: AppId, user: &UserId) -> StoreResult<Option<Person>> {
        Ok(self.person_head(app, user)?.map(|head| head.person))
    }

    /// A user's number, made if there is none.
    pub(crate) fn person_or_new(&self, app: AppId, user: &UserId) -> StoreResult<Person> {
        if let Some(person) = self.person(app, user)? {
            return Ok(person);
        }
        self.execute("INSERT INTO people (app_id, user_id) VALUES (?1, ?2)", params![app.0, user.as_str()])?;
        let person = Person(self.last_insert_rowid());
        self.remember_person(app, user, PersonHead { person, newest_event: None });
        Ok(person)
    }

    /// A user's number and what is known of their log.
    pub(crate) fn person_head(&self, app: AppId, user: &UserId) -> StoreResult<Option<PersonHead>> {
        if let Some(head) = self.remembered().and_then(|mut heads| heads.person(app, user).copied()) {
            return Ok(Some(head));
        }
        let number: Option<i64> = self.number(
            "SELECT number FROM people WHERE app_id = ?1 AND user_id = ?2",
            params![app.0, user.as_str()],
            || format!("people.number of the row ({app}, {user})"),
        )?;
        let Some(number) = number else { return Ok(None) };
        let head = PersonHead { person: Person(number), newest_event: None };
        self.remember_person(app, user, head);
        Ok(Some(head))
    }

    /// Remembers someone, where something is remembered.
    pub(crate) fn remember_person(&self, app: AppId, user: &UserId, head: PersonHead) {
        if let Some(mut heads) = self.remembered() {
            heads.keep_person(app, user, head);
        }
    }
}
