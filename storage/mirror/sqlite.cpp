#include "storage/mirror/sqlite.hpp"

namespace factory {

namespace {

constexpr int wait_for_readers_ms = 2'000;

}  // namespace

bool sqlite_file::open(const std::filesystem::path& file) {
  close();
  clear_error();
  const int code =
      sqlite3_open_v2(file.c_str(), &connection_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (!check(code)) {
    sqlite3_close_v2(connection_);
    connection_ = nullptr;
    return false;
  }
  sqlite3_busy_timeout(connection_, wait_for_readers_ms);
  return exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;");
}

void sqlite_file::close() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  statements_.clear();
  if (connection_ != nullptr) sqlite3_close_v2(connection_);
  connection_ = nullptr;
}

bool sqlite_file::begin() {
  clear_error();
  return exec("BEGIN IMMEDIATE");
}

bool sqlite_file::commit() {
  if (exec("COMMIT")) return true;
  rollback();
  return false;
}

void sqlite_file::rollback() {
  if (connection_ != nullptr && sqlite3_get_autocommit(connection_) == 0)
    sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
}

bool sqlite_file::exec(const char* sql) {
  if (failed() || connection_ == nullptr) return false;
  return check(sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr));
}

std::optional<std::string> sqlite_file::value(const char* sql) {
  sqlite3_stmt* statement = prepared(sql);
  if (statement == nullptr) return {};
  std::optional<std::string> out;
  const int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    if (text != nullptr) out = text;
  } else {
    check(code);
  }
  sqlite3_reset(statement);
  return out;
}

void sqlite_file::clear_error() {
  code_ = SQLITE_OK;
  message_.clear();
}

sqlite3_stmt* sqlite_file::prepared(const char* sql) {
  if (failed() || connection_ == nullptr) return nullptr;
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return known->second;
  sqlite3_stmt* statement = nullptr;
  if (!check(sqlite3_prepare_v3(connection_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr))) return nullptr;
  statements_.emplace(sql, statement);
  return statement;
}

bool sqlite_file::finish(sqlite3_stmt* statement) {
  if (!failed()) check(sqlite3_step(statement));
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return !failed();
}

bool sqlite_file::check(int code) {
  if (failed()) return false;
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return true;
  code_ = code & 0xff;
  message_ = connection_ != nullptr ? sqlite3_errmsg(connection_) : sqlite3_errstr(code);
  return false;
}

}  // namespace factory
