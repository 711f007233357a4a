#include "storage/admin/token_store.hpp"

#include "storage/admin/audit_log.hpp"
#include "storage/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace factory {
namespace {

class token_store_test : public ::testing::Test {
 protected:
  token_store_test() { reopen(); }
  void reopen() {
    tokens_.reset();
    audit_.reset();
    db_.reset();
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    tokens_ = std::make_unique<token_store>(*db_);
    audit_ = std::make_unique<audit_log>(*db_);
    if (!tokens_->load() || !audit_->load()) throw std::runtime_error("not loaded");
  }
  expected<token_store::created> make(const std::string& name, access_scope scope, factory_id factory = 0) {
    access_token wanted;
    wanted.name = name;
    wanted.scopes = access_scopes{} | scope;
    wanted.factory = factory;
    return tokens_->create(wanted, 5);
  }

  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<token_store> tokens_;
  std::unique_ptr<audit_log> audit_;
};

TEST_F(token_store_test, a_secret_finds_its_token_also_after_a_restart_until_it_is_revoked) {
  EXPECT_FALSE(tokens_->any());
  const auto admin = make("admin", access_scope::admin).value();
  const auto line = make("line 3", access_scope::ingest, 7).value();
  reopen();
  EXPECT_TRUE(tokens_->any());
  const auto found = tokens_->find(line.secret);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "line 3");
  EXPECT_EQ(found->factory, 7U);
  EXPECT_EQ(to_text(found->scopes), "ingest");
  EXPECT_TRUE(tokens_->revoke(line.token.id));
  EXPECT_FALSE(tokens_->find(line.secret));
  EXPECT_TRUE(tokens_->find(admin.secret));
  reopen();
  EXPECT_FALSE(tokens_->find(line.secret));
  EXPECT_EQ(make("next", access_scope::read)->token.id, 3U) << "an id is never given again";
}

TEST_F(token_store_test, nothing_but_the_whole_secret_finds_a_token) {
  const auto admin = make("admin", access_scope::admin).value();
  std::string other = admin.secret;
  other.back() = other.back() == '0' ? '1' : '0';
  for (const std::string& wrong :
       {std::string(), std::string("fm-"), std::string("fm-1-"), std::string("fm-1"), other, admin.secret + "0",
        admin.secret.substr(0, admin.secret.size() - 1), "fm-2" + admin.secret.substr(4)})
    EXPECT_FALSE(tokens_->find(wrong)) << wrong;
}

TEST_F(token_store_test, the_disk_never_holds_a_secret) {
  const auto admin = make("admin", access_scope::admin).value();
  const std::string hex = admin.secret.substr(admin.secret.rfind('-') + 1);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(bytes.find(hex), std::string::npos) << entry.path();
  }
}

TEST_F(token_store_test, as_long_as_there_are_tokens_one_is_an_admins) {
  EXPECT_EQ(make("line", access_scope::ingest).error().field, "scopes");
  const auto admin = make("admin", access_scope::admin).value();
  const auto line = make("line", access_scope::ingest).value();
  EXPECT_EQ(tokens_->revoke(admin.token.id).error().code, errc::conflict);
  EXPECT_TRUE(tokens_->revoke(line.token.id));
  EXPECT_TRUE(tokens_->revoke(admin.token.id));
  EXPECT_FALSE(tokens_->any());
}

TEST_F(token_store_test, names_are_unique_and_an_admin_has_no_factory) {
  EXPECT_EQ(make("limited", access_scope::admin, 1).error().field, "factory_id");
  ASSERT_TRUE(make("admin", access_scope::admin));
  EXPECT_EQ(make("admin", access_scope::read).error().code, errc::conflict);
  EXPECT_EQ(make("", access_scope::read).error().field, "name");
  EXPECT_EQ(make("none", access_scope::none).error().field, "scopes");
  EXPECT_EQ(tokens_->revoke(99).error().code, errc::not_found);
}

TEST_F(token_store_test, the_audit_log_gives_its_newest_records_page_by_page_also_after_a_restart) {
  for (unsigned i = 1; i <= 5; ++i) ASSERT_TRUE(audit_->append({0, i, "ada", "PATCH", "/api/sensors/1", "192.0.2.7", i, 200}));
  reopen();
  ASSERT_TRUE(audit_->append({0, 6, "ada", "DELETE", "/api/sensors/1", "", 0, 204}));
  const auto newest = audit_->newest(0, 2).value();
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[0].sequence, 6U);
  EXPECT_EQ(newest[0].method, "DELETE");
  EXPECT_EQ(newest[1].at_us, 5);
  const auto older = audit_->newest(newest[1].sequence, 100).value();
  ASSERT_EQ(older.size(), 4U);
  EXPECT_EQ(older.front().sequence, 4U);
  EXPECT_EQ(older.back().thing, 1U);
  EXPECT_EQ(older.back().client, "192.0.2.7");
  EXPECT_EQ(newest[0].client, "");
}

}  // namespace
}  // namespace factory
