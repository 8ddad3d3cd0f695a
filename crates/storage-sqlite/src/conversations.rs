//! Conversations: found, made, and listed.

use callbox_domain::message::UNREAD_COUNT_MAX;
use callbox_domain::{AppId, Conversation, ConversationId, ConversationSummary, Timestamp, UserId};
use callbox_storage::{ConversationsPage, MessagesPage, StoreError, StoreResult};
use rusqlite::params;

use crate::entities::{ConversationKey, ConversationRow, conversation_columns, members};
use crate::heads::{Head, MemberHead};
use crate::numbers::{ConversationNumber, Person, Place};
use crate::transaction::Transaction;

impl Transaction<'_, '_> {
    /// A conversation with its end and its members.
    pub(crate) fn head(&self, app: AppId, id: &ConversationId) -> StoreResult<Option<Head>> {
        if let Some(head) = self.remembered().and_then(|mut heads| heads.conversation(app, id).cloned()) {
            return Ok(Some(head));
        }
        let row: Option<ConversationRow> = self.one(
            concat!("SELECT ", conversation_columns!(), " FROM conversations WHERE app_id = ?1 AND id = ?2"),
            params![app.0, id.as_str()],
        )?;
        let Some(row) = row else { return Ok(None) };
        let head = Head {
            members: self.member_heads(row.number)?,
            number: row.number,
            id: row.id,
            last_position: row.last_position,
            created_at: row.created_at,
            updated_at: row.updated_at,
            is_direct: row.is_direct,
        };
        if let Some(mut heads) = self.remembered() {
            heads.keep_conversation(app, &head);
        }
        Ok(Some(head))
    }

    /// See [`callbox_storage::Read::direct_conversation`].
    pub(crate) fn direct_head(&self, app: AppId, one: &UserId, other: &UserId) -> StoreResult<Option<Head>> {
        let (lower, upper) = if one <= other { (one, other) } else { (other, one) };
        let key = (app, lower.clone(), upper.clone());
        if let Some(id) = self.remembered().and_then(|mut heads| heads.direct(&key)) {
            return self.head(app, &id);
        }
        let (Some(one), Some(other)) = (self.person(app, one)?, self.person(app, other)?) else {
            return Ok(None);
        };
        let found: Option<ConversationKey> = self.one(
            "SELECT app_id, id FROM conversations WHERE lower_person = ?1 AND upper_person = ?2",
            params![one.min(other), one.max(other)],
        )?;
        let Some(ConversationKey(id)) = found else { return Ok(None) };
        if let Some(mut heads) = self.remembered() {
            heads.keep_direct(key, id.clone());
        }
        self.head(app, &id)
    }

    /// See [`callbox_storage::Tx::insert_conversation`].
    pub(crate) fn add_conversation(&self, app: AppId, conversation: &Conversation) -> StoreResult<()> {
        let mut people = Vec::with_capacity(conversation.members.len());
        for member in &conversation.members {
            people.push(self.person_or_new(app, member)?);
        }
        let direct = match people.as_slice() {
            [one, other] => Some((*one.min(other), *one.max(other))),
            _ => None,
        };
        self.execute(
            "INSERT INTO conversations (app_id, id, created_at, updated_at, lower_person, upper_person) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                app.0,
                conversation.id.as_str(),
                conversation.created_at.as_millis(),
                conversation.updated_at.as_millis(),
                direct.map(|(lower, _)| lower),
                direct.map(|(_, upper)| upper)
            ],
        )?;
        let number = ConversationNumber(self.last_insert_rowid());
        for person in people {
            self.execute(
                "INSERT INTO conversation_members (conversation, person, delivered_up_to, read_up_to) \
                 VALUES (?1, ?2, 0, 0)",
                params![number, person],
            )?;
        }
        Ok(())
    }

    /// See [`callbox_storage::Read::conversations_of`].
    pub(crate) fn conversation_summaries(
        &self,
        app: AppId,
        user: &UserId,
        page: &ConversationsPage,
    ) -> StoreResult<Vec<ConversationSummary>> {
        let Some(person) = self.person(app, user)? else { return Ok(Vec::new()) };
        let (before_time, before_id) = match &page.before {
            Some((time, id)) => (time.as_millis(), id.as_str()),
            // Later than any conversation.
            None => (i64::MAX, ""),
        };
        let updated_after = page.updated_after.map_or(i64::MIN, Timestamp::as_millis);
        let keys: Vec<ConversationKey> = self.all(
            "SELECT app_id, id FROM ( \
                 SELECT conversations.app_id, conversations.id, max(conversations.updated_at, \
                     coalesce((SELECT messages.created_at FROM messages \
                         WHERE place > conversations.number << 32 AND place < (conversations.number + 1) << 32 \
                         ORDER BY place DESC LIMIT 1), conversations.updated_at)) AS changed_at \
                 FROM conversation_members AS mine CROSS JOIN conversations \
                     ON conversations.number = mine.conversation \
                 WHERE mine.person = ?1) \
             WHERE (changed_at, id) < (?2, ?3) AND changed_at > ?4 \
             ORDER BY changed_at DESC, id DESC LIMIT ?5",
            params![person, before_time, before_id, updated_after, page.limit],
        )?;
        keys.into_iter().map(|key| self.summary(app, person, &key.0)).collect()
    }

    fn summary(&self, app: AppId, person: Person, id: &ConversationId) -> StoreResult<ConversationSummary> {
        let head = self.head(app, id)?.ok_or_else(|| missing("conversations", app, id.as_str()))?;
        let mine = head.members.iter().find(|one| one.person == person);
        let read_up_to = mine.map_or(0, |one| one.member.read_up_to);
        let unread_count = self.number(
            "SELECT count(*) FROM (SELECT 1 FROM messages \
             WHERE place > ?1 AND place <= ?2 AND sender <> ?3 LIMIT ?4)",
            params![Place::new(head.number, read_up_to), Place::last(head.number), person, UNREAD_COUNT_MAX],
            || format!("the count of messages of the conversation ({app}, {id})"),
        )?;
        let last_message = self.messages_of(head.number, MessagesPage::Latest, 1)?.pop();
        Ok(ConversationSummary {
            members: head.clone().into_members(),
            conversation: head.into_conversation(),
            last_message,
            unread_count: unread_count.unwrap_or(0),
        })
    }

    fn member_heads(&self, conversation: ConversationNumber) -> StoreResult<Vec<MemberHead>> {
        self.all(
            concat!(
                "SELECT ",
                members!(),
                " WHERE conversation_members.conversation = ?1 ORDER BY people.user_id"
            ),
            params![conversation],
        )
    }
}

/// A row that the caller has promised is there.
pub(crate) fn missing(table: &str, app: AppId, id: &str) -> StoreError {
    StoreError::Corrupt(format!("{table} has no row ({app}, {id})"))
}
