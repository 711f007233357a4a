#include "storage/events/event_log.hpp"
#include "storage/journal/journal.hpp"
#include "storage/journal/journal_impl.hpp"
#include "storage/state/store_writer.hpp"
#include "storage/support/observing.hpp"
#include "storage/support/small_disk.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/await.hpp"

#include <sys/resource.h>

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <future>
#include <stdexcept>

namespace factory {
namespace {

/// A failing disk: while this object lives, no file of this process grows past the limit.
class failing_files {
 public:
  failing_files() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{256UL << 10U, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~failing_files() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  failing_files(const failing_files&) = delete;
  failing_files& operator=(const failing_files&) = delete;

 private:
  rlimit before_{};
};

journal_entry entry_with(std::size_t rows, std::int64_t received_at_us) {
  auto batch = std::make_shared<reading_batch>();
  for (std::size_t i = 0; i < rows; ++i) {
    batch->event_time_us.push_back(received_at_us + static_cast<std::int64_t>(i));
    batch->value.push_back(static_cast<double>(i));
  }
  batch->slices = {{7, 0, static_cast<std::uint32_t>(rows)}};
  return {0, received_at_us, batch, nullptr, nullptr};
}

class failing_disk : public ::testing::Test {
 protected:
  failing_disk() { reopen(); }
  void reopen() {
    journal_.reset();
    db_.reset();
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    journal_ = std::make_unique<journal>(*db_);
  }
  std::vector<std::int64_t> replayed() {
    std::vector<std::int64_t> found;
    const auto done = journal_->replay(1, [&](const journal_entry& e) {
      EXPECT_EQ(e.sequence, found.size() + 1);
      found.push_back(e.received_at_us);
    });
    EXPECT_TRUE(done) << done.error().message;
    return found;
  }

  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<journal> journal_;
};

TEST_F(failing_disk, what_the_journal_could_not_write_is_refused_and_leaves_no_gap_and_no_double) {
  std::vector<std::int64_t> observed;
  journal_->start(each([&](const journal_entry& e) { observed.push_back(e.received_at_us); }));
  ASSERT_TRUE(journal_->append(entry_with(100, 1), durability::fsync));
  {
    const failing_files nothing_fits;
    for (const std::int64_t t : {2, 3}) {
      const auto refused = journal_->append(entry_with(100'000, t), durability::fsync);
      ASSERT_FALSE(refused);
      EXPECT_TRUE(refused.error().code == errc::storage_failed || refused.error().code == errc::storage_full);
    }
    EXPECT_EQ(journal_->last_sequence(), 1U);
  }
  EXPECT_GE(journal_->count().failures, 2U);
  // Whether RocksDB continues by itself or needs a restart, exactly the acknowledged entries exist.
  const bool resumed = journal_->append(entry_with(10, 4), durability::fsync).has_value();
  journal_->stop();
  std::vector<std::int64_t> acknowledged = {1};
  if (resumed) acknowledged.push_back(4);
  EXPECT_EQ(observed, acknowledged);
  EXPECT_EQ(replayed(), acknowledged);
  reopen();
  EXPECT_EQ(replayed(), acknowledged);
  journal_->start(each([](const journal_entry&) {}));
  EXPECT_EQ(*journal_->append(entry_with(10, 5), durability::fsync), acknowledged.size() + 1);
  RecordProperty("resumed_without_restart", resumed ? 1 : 0);
}

TEST(full_disk, the_journal_refuses_and_goes_on_once_there_is_room_without_a_gap) {
  const test::temporary_directory here;
  const test::small_disk disk(here.path());
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small disk needs root";
  auto db = database::open(here.path() / "data", {});
  ASSERT_TRUE(db) << db.error().message;
  journal entries(**db);
  std::vector<std::uint64_t> observed;
  entries.start(each([&](const journal_entry& e) { observed.push_back(e.sequence); }));
  EXPECT_EQ(*entries.append(entry_with(10, 1), durability::fsync), 1U);
  disk.fill();
  EXPECT_EQ(entries.append(entry_with(10, 2), durability::fsync).error().code, errc::storage_full);
  EXPECT_EQ(entries.append(entry_with(10, 3), durability::fsync).error().code, errc::storage_full);
  disk.clear();
  EXPECT_EQ(*entries.append(entry_with(10, 4), durability::fsync), 2U);
  entries.stop();
  EXPECT_EQ(observed, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(failing_disk, the_writer_keeps_what_it_could_not_write_and_tells_why) {
  event_log events(*db_);
  store_writer writer(*db_, events);
  std::atomic<bool> written = false;
  {
    const failing_files nothing_fits;
    writer.write(saved_sensor{7, 1, std::string(1'000'000, 'x'), {}}, [&] { written = true; });
    writer.start();
    test::await([&] { return writer.health().has_value(); }, "the writer to notice");
    EXPECT_FALSE(written);
    EXPECT_GT(writer.waiting_bytes(), 1'000'000U);
    writer.stop();
  }
  EXPECT_FALSE(written);
}

}  // namespace
}  // namespace factory
