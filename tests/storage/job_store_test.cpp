#include "storage/admin/job_store.hpp"

#include "storage/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace factory {
namespace {

class job_store_test : public ::testing::Test {
 protected:
  job_store_test() { reopen(); }
  void reopen() {
    jobs_.reset();
    db_.reset();
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    jobs_ = std::make_unique<job_store>(*db_);
    if (auto loaded = jobs_->load(); !loaded) throw std::runtime_error(loaded.error().message);
  }
  job_run run(const std::string& job, std::int64_t at_us) {
    job_run it = jobs_->begin(job, at_us).value();
    it.duration_us = 5;
    it.result = job_run::outcome::succeeded;
    it.detail = "3 blocks joined.";
    EXPECT_TRUE(jobs_->finish(it));
    return it;
  }

  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<job_store> jobs_;
};

TEST_F(job_store_test, runs_are_listed_newest_first_also_after_a_restart) {
  run("rollup", 10);
  run("rewrite", 20);
  run("rollup", 30);
  reopen();
  const auto all = jobs_->runs({}, 10).value();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].id, 3U);
  EXPECT_EQ(all[0].job, "rollup");
  EXPECT_EQ(all[0].started_at_us, 30);
  EXPECT_EQ(all[0].duration_us, 5);
  EXPECT_EQ(all[0].result, job_run::outcome::succeeded);
  EXPECT_EQ(all[0].detail, "3 blocks joined.");
  EXPECT_EQ(jobs_->runs("rewrite", 10)->size(), 1U);
  EXPECT_EQ(jobs_->runs({}, 2)->size(), 2U);
  EXPECT_EQ(run("rollup", 40).id, 4U);
}

TEST_F(job_store_test, a_run_cut_short_by_the_end_of_the_program_has_failed) {
  ASSERT_TRUE(jobs_->begin("rollup", 10));
  EXPECT_EQ(jobs_->runs({}, 1)->at(0).result, job_run::outcome::running);
  reopen();
  EXPECT_EQ(jobs_->runs({}, 1)->at(0).result, job_run::outcome::failed);
  EXPECT_FALSE(jobs_->runs({}, 1)->at(0).detail.empty());
}

TEST_F(job_store_test, the_newest_thousand_runs_are_kept) {
  const job_run first = jobs_->begin("rollup", 1).value();
  for (int i = 2; i <= 1005; ++i) run("rollup", i);
  EXPECT_TRUE(jobs_->finish(first));  // long forgotten: not brought back
  for (int round = 0; round < 2; ++round) {
    const auto all = jobs_->runs({}, 5000).value();
    EXPECT_EQ(all.size(), 1000U);
    EXPECT_EQ(all.back().id, 6U);
    reopen();
  }
}

TEST_F(job_store_test, reports_are_kept_with_both_texts) {
  const auto first =
      jobs_->put_report({.factory = 1, .begin_us = 10, .end_us = 20, .created_at_us = 30}, "{}", "<p>one</p>").value();
  const auto second =
      jobs_->put_report({.factory = 2, .begin_us = 10, .end_us = 20, .created_at_us = 31}, "[]", "<p>two</p>").value();
  EXPECT_EQ(first.id, 1U);
  reopen();
  EXPECT_EQ(jobs_->report_json(second.id).value(), "[]");
  EXPECT_EQ(jobs_->report_html(first.id).value(), "<p>one</p>");
  EXPECT_EQ(jobs_->report_json(9).error().code, errc::not_found);
  EXPECT_EQ(jobs_->reports({}, 10)->at(0).id, 2U);
  ASSERT_EQ(jobs_->reports(1, 10)->size(), 1U);
  EXPECT_EQ(jobs_->reports(1, 10)->at(0).end_us, 20);
  EXPECT_EQ(jobs_->reports({}, 1)->size(), 1U);
}

TEST_F(job_store_test, a_report_of_the_same_factory_and_day_is_replaced) {
  const auto first = jobs_->put_report({.factory = 1, .begin_us = 10, .created_at_us = 30}, "1", "one").value();
  ASSERT_TRUE(jobs_->put_report({.factory = 1, .begin_us = 20, .created_at_us = 31}, "2", "two"));
  EXPECT_TRUE(jobs_->has_report(1, 10));
  EXPECT_FALSE(jobs_->has_report(2, 10));
  const auto again = jobs_->put_report({.factory = 1, .begin_us = 10, .created_at_us = 32}, "3", "three").value();
  EXPECT_EQ(again.id, first.id);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(jobs_->reports({}, 10)->size(), 2U);
    EXPECT_EQ(jobs_->report_json(first.id).value(), "3");
    EXPECT_EQ(jobs_->report_html(first.id).value(), "three");
    reopen();
  }
  EXPECT_EQ(jobs_->put_report({.factory = 2, .begin_us = 10}, "", "").value().id, 3U);
}

TEST_F(job_store_test, the_newest_four_hundred_reports_are_kept) {
  for (int i = 1; i <= 403; ++i)
    ASSERT_TRUE(jobs_->put_report({.factory = 1, .begin_us = i, .created_at_us = i}, "json", "html"));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(jobs_->reports({}, 1000)->size(), 400U);
    EXPECT_EQ(jobs_->report_json(3).error().code, errc::not_found);
    EXPECT_EQ(jobs_->report_html(3).error().code, errc::not_found);
    EXPECT_TRUE(jobs_->report_html(4));
    reopen();
  }
}

}  // namespace
}  // namespace factory
