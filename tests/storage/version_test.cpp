// Records of a version that this program does not know: each reader refuses them with a message that names the record and says what to do.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

#include "pipelines/model/coding.hpp"
#include "storage/admin/audit_log.hpp"
#include "storage/admin/job_store.hpp"
#include "storage/admin/token_store.hpp"
#include "storage/base/rocks.hpp"
#include "storage/notify/notify_store.hpp"
#include "storage/rollups/rollups.hpp"
#include "storage/spc/spc_limit_store.hpp"
#include "storage/state/store_writer.hpp"
#include "storage/support/catalog_fixture.hpp"

namespace factory {
namespace {

constexpr sensor_id sensor = 1;
constexpr char unknown_version = 99;

std::string fixed64(std::uint64_t number) {
  std::string out;
  put_fixed64(out, number);
  return out;
}
void seal_nothing(std::string&, std::string_view) {}
void seal_state(std::string& record, std::string_view) {
  record.resize(record.size() - 8);
  record += fixed64(XXH3_64bits(record.data(), record.size()));
}
void seal_block(std::string& record, std::string_view) { record.replace(88, 8, fixed64(XXH3_64bits(record.data(), 88))); }
void seal_journal(std::string& record, std::string_view key) {
  std::uint64_t first = 0;
  ASSERT_TRUE(get_key64(key, first));
  constexpr std::size_t head_bytes = 1 + 4 + 12;  // of a record with one entry
  record.replace(head_bytes, 8, fixed64(XXH3_64bits_withSeed(record.data(), head_bytes, first)));
}

template <class T>
expected<void> nothing(expected<T> got) {
  if (!got) return tl::unexpected(got.error());
  return {};
}
expected<void> load_catalog(database& db) { return catalog(db).load(); }
expected<void> read_events(database& db) { return nothing(event_log(db).query({})); }
expected<void> append_event(database& db) {
  event e;
  e.key = {sensor, 2, event_source::z_score, 0, event_kind::anomaly};
  e.level = severity::high;
  return nothing(event_log(db).append({e}));
}
expected<void> replay_journal(database& db) {
  return journal(db).replay(1, [](const journal_entry&) {});
}
expected<void> read_notifications(database& db) {
  const notify_store stored(db);
  const auto ignore = [](const auto&) {};
  for (const auto& read :
       {nothing(stored.cursor()), stored.visit_open(ignore), stored.visit_dead(ignore), stored.visit_told(ignore),
        stored.visit_digests(ignore), stored.visit_groups(ignore), stored.visit_chatters(ignore)})
    if (!read) return read;
  return {};
}
sensor_cut everything_on_disk() { return {sensor, UINT32_MAX, {}, {}}; }

struct versioned_record {
  const char* name;
  column where;
  std::string key_prefix;
  std::function<void(std::string& record, std::string_view key)> seal_anew;  ///< so that only the version is wrong
  std::function<expected<void>(database&)> read;
  std::string names_it;
};
void PrintTo(const versioned_record& r, std::ostream* out) { *out << r.name; }

class record_of_another_version : public testing::TestWithParam<versioned_record> {
 protected:
  /// One of each kind.
  record_of_another_version() {
    using test::catalog_fixture;
    plant_.seed(1);
    plant_.create<alert_rule>({{.sensor = sensor, .name = "hot", .condition = rule_condition::greater_than, .high = 90}});
    channel_entry channel;
    channel.name = "shift";
    channel.url = "https://example.com/";
    plant_.create<channel_entry>({channel});
    const event_key alert{sensor, 1, event_source::alert_rule, 1, event_kind::alert_raised};
    notify_store::change told;
    told.cursor = 1;
    told.open = {{.channel = 1, .id = 1, .notification = "a", .finding = "b", .kind = "alert_raised", .content = "{}"}};
    told.dead = {{.channel = 1, .id = 2, .notification = "a", .finding = "b", .kind = "alert_raised", .content = "{}"}};
    told.told.emplace_back().raised = alert;
    told.digests.emplace_back().channel = 1;
    auto& group = told.groups.emplace_back();
    group.channel = 1;
    group.opener = finding_id(alert);
    group.first_out = alert;
    told.chatters.emplace_back().newest = alert;
    EXPECT_TRUE(notify_store(db()).write(told));
    event_log events(db());
    event found;
    found.key = {sensor, 1, event_source::z_score, 0, event_kind::anomaly};
    found.level = severity::high;
    EXPECT_TRUE(events.append({found}));
    store_writer writer(db(), events);
    writer.start();
    reading_run rows;
    for (int i = 0; i < 10; ++i) rows.push_back(i, i, flag_none);
    writer.write(saved_sensor{sensor, 1, "state", {std::make_shared<const block>(seal(sensor, 1, rows))}}, [] {});
    writer.stop();
    rollup_store rollups(db());
    EXPECT_TRUE(rollups.refresh(time_series(db()), everything_on_disk()));
    journal entries(db());
    entries.start([](std::span<const journal_entry* const>) {});
    journal_entry entry;
    entry.config = std::make_shared<const config_change>();
    entry.source = std::make_shared<const source_position>(source_position{"kafka", 0, 1});
    EXPECT_TRUE(entries.append(std::move(entry), durability::fsync));
    journal_entry reading;
    reading.readings = std::make_shared<const reading_batch>(reading_batch{{1}, {1}, {{sensor, 0, 1}}});
    EXPECT_TRUE(entries.append(std::move(reading), durability::fsync));
    EXPECT_TRUE(entries.trim(2, {sensor}));
    EXPECT_TRUE(entries.append({}, durability::fsync));  // a tick, so that there is a record
    entries.stop();
    job_store jobs(db());
    EXPECT_TRUE(jobs.load() && jobs.begin("rollup", 1) && jobs.put_report({}, "{}", "<p>"));
    frozen_limits frozen{.limits = control_limits_from(10, 1, 1)};
    frozen.version = 1;
    EXPECT_TRUE(test::commit(db(), {spc_limit_store::write_of(sensor, frozen)}));
    token_store tokens(db());
    access_token admin;
    admin.name = "admin";
    admin.scopes = access_scopes{} | access_scope::admin;
    EXPECT_TRUE(tokens.load() && tokens.create(admin, 1));
    audit_log audit(db());
    EXPECT_TRUE(audit.load() && audit.append({.who = "admin", .method = "POST", .path = "/api/tokens", .client = {}}));
  }
  database& db() { return plant_.db(); }

  test::catalog_fixture plant_;
};

TEST_P(record_of_another_version, is_refused_in_words_and_never_misread) {
  const versioned_record& it = GetParam();
  database::impl& rocks = db().raw();
  std::string key, record;
  {
    const std::unique_ptr<rocksdb::Iterator> at(rocks.db->NewIterator({}, rocks.at(it.where)));
    at->Seek(it.key_prefix);
    ASSERT_TRUE(at->Valid() && at->key().starts_with(it.key_prefix)) << "nothing to try it on";
    key = at->key().ToString();
    record = at->value().ToString();
  }
  const auto as_it_was = it.read(db());
  ASSERT_TRUE(as_it_was) << as_it_was.error().message;
  std::string resealed = record;
  it.seal_anew(resealed, key);
  ASSERT_EQ(resealed, record) << "the test knows where the checksum lies";
  record.front() = unknown_version;
  it.seal_anew(record, key);
  rocksdb::WriteBatch batch;
  batch.Put(rocks.at(it.where), key, record);
  ASSERT_TRUE(rocks.write(batch, false, "testing"));
  const auto refused = it.read(db());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::corrupt);
  for (const std::string& words : {it.names_it, std::string("version"), std::string("restore the newest snapshot")})
    EXPECT_NE(refused.error().message.find(words), std::string::npos) << refused.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    all_kinds, record_of_another_version,
    testing::Values(
        versioned_record{"factory", column::catalog, "f", seal_nothing, load_catalog, "catalog record"},
        versioned_record{"machine", column::catalog, "m", seal_nothing, load_catalog, "catalog record"},
        versioned_record{"sensor", column::catalog, "s", seal_nothing, load_catalog, "catalog record"},
        versioned_record{"rule", column::catalog, "r", seal_nothing, load_catalog, "catalog record"},
        versioned_record{"channel", column::catalog, "c", seal_nothing, load_catalog, "catalog record"},
        versioned_record{"notify_position", column::state, "wc", seal_nothing, read_notifications, "notifications"},
        versioned_record{"delivery", column::state, "wo", seal_nothing, read_notifications, "notifications"},
        versioned_record{"dead_letter", column::state, "wd", seal_nothing, read_notifications, "notifications"},
        versioned_record{"told_alert", column::state, "wt", seal_nothing, read_notifications, "notifications"},
        versioned_record{"digest", column::state, "wg", seal_nothing, read_notifications, "notifications"},
        versioned_record{"notice_group", column::state, "wm", seal_nothing, read_notifications, "notifications"},
        versioned_record{"chatter", column::state, "wk", seal_nothing, read_notifications, "notifications"},
        versioned_record{"journal", column::journal, "", seal_journal, replay_journal, "journal"},
        versioned_record{"position", column::state, "journal_source:", seal_nothing,
                         [](database& db) { return nothing(journal(db).positions()); }, "position of a source"},
        versioned_record{"aside", column::state, "journal_aside:", seal_state,
                         [](database& db) { return journal(db).read_aside([](const journal_entry&) {}); }, "set aside"},
        versioned_record{"block", column::blocks, "", seal_block,
                         [](database& db) { return nothing(time_series(db).read(everything_on_disk(), {}, 10, false)); },
                         "block"},
        versioned_record{"state", column::state, "s", seal_state,
                         [](database& db) { return nothing(state_store(db).get(sensor)); }, "state of sensor 1"},
        versioned_record{"frozen_limits", column::catalog, "x", seal_nothing,
                         [](database& db) { return spc_limit_store(db).load(); }, "control limits"},
        versioned_record{"token", column::state, "t", seal_nothing, [](database& db) { return token_store(db).load(); }, "token"},
        versioned_record{"audit", column::state, "u", seal_nothing,
                         [](database& db) {
                           audit_log audit(db);
                           if (auto loaded = audit.load(); !loaded) return loaded;
                           return nothing(audit.newest(0, 10));
                         },
                         "audit log"},
        versioned_record{"event", column::events, "k", seal_nothing, read_events, "event"},
        versioned_record{"event_counters", column::events, "c", seal_nothing, append_event, "event"},
        versioned_record{"event_reserve", column::events, "n", seal_nothing, append_event, "event"},
        versioned_record{"rollup", column::rollups, "b", seal_nothing,
                         [](database& db) { return nothing(rollup_store(db).read(sensor, rollup_level::minute, {})); },
                         "roll-up"},
        versioned_record{"job_run", column::jobs, "r", seal_nothing, [](database& db) { return job_store(db).load(); },
                         "background jobs"},
        versioned_record{"report", column::jobs, "i", seal_nothing, [](database& db) { return job_store(db).load(); },
                         "background jobs"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace factory
