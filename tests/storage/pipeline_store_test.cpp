#include "storage/streams/pipeline_store.hpp"

#include "storage/state/store_writer.hpp"
#include "storage/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <future>

namespace factory {
namespace {

pipeline_entry some_pipeline(pipeline_id id) { return {id, 3, 17, R"({"name":"x"})", {{0, 5, {1, 2}, {3, 0}}, {4, 6, {7}, {}}}, {{4, "x", 9}}}; }

TEST(pipeline_store, a_record_reads_back_and_a_damaged_one_does_not) {
  const auto entry = some_pipeline(2);
  const auto bytes = encode(entry);
  pipeline_entry again;
  ASSERT_TRUE(decode(bytes, again));
  EXPECT_EQ(again.version, 3U);
  EXPECT_EQ(again.spec, entry.spec);
  EXPECT_EQ(again.instances, entry.instances);
  EXPECT_EQ(again.former, entry.former);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode(std::string_view(bytes).substr(0, size), again));
}

TEST(pipeline_store, a_record_of_version_1_has_no_former_sensors) {
  auto entry = some_pipeline(2);
  entry.former.clear();
  auto bytes = encode(entry);
  bytes.front() = 1;
  bytes.pop_back();  // their count
  pipeline_entry again;
  ASSERT_TRUE(decode(bytes, again));
  EXPECT_EQ(again.instances, entry.instances);
  EXPECT_TRUE(again.former.empty());
}

TEST(pipeline_store, pipelines_and_the_ids_given_away_outlive_a_restart) {
  const test::temporary_directory directory;
  for (int round = 0; round < 2; ++round) {
    auto db = database::open(directory.path(), {}).value();
    journal entries(*db);
    pipeline_store store(*db);
    ASSERT_TRUE(store.load());
    if (round == 1) {
      EXPECT_EQ(store.all().size(), 1U);
      EXPECT_EQ(store.find(1)->spec, some_pipeline(1).spec);
      EXPECT_EQ(store.find(2).error().code, errc::not_found);
      EXPECT_EQ(store.next_id(), 3U);
      continue;
    }
    entries.start([](auto) {});
    const auto commit = [&](std::vector<catalog_write> writes) {
      journal_entry entry;
      entry.config = std::make_shared<const config_change>();
      ASSERT_TRUE(entries.append(std::move(entry), durability::buffered, std::move(writes)));
    };
    for (const pipeline_id id : {1U, 2U}) {
      commit(store.writes_of(some_pipeline(id)));
      store.put(some_pipeline(id));
    }
    commit(pipeline_store::writes_of_removal(2));
    entries.stop();
  }
}

TEST(stream_state_store, gives_back_what_the_store_writer_wrote) {
  const test::temporary_directory directory;
  auto db = database::open(directory.path(), {}).value();
  event_log events(*db);
  store_writer writer(*db, events);
  writer.start();
  std::promise<void> written;
  writer.write(saved_stream{{1, 2, 3}, 99, "state"}, [&] { written.set_value(); });
  written.get_future().wait();
  stream_state_store states(*db);
  const auto stored = states.get({1, 2, 3}).value();
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->applied_sequence, 99U);
  EXPECT_EQ(stored->state, "state");
  EXPECT_FALSE(states.get({1, 2, 4}).value());
  std::vector<stream_key> seen;
  ASSERT_TRUE(states.visit([&](const stream_key& key) { seen.push_back(key); }));
  EXPECT_EQ(seen, (std::vector<stream_key>{{1, 2, 3}}));
  ASSERT_TRUE(states.remove(seen));
  EXPECT_FALSE(states.get({1, 2, 3}).value());
}

}  // namespace
}  // namespace factory
