#include "factoryd/token_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <optional>

#include "pipelines/model/time.hpp"
#include "storage/admin/audit_log.hpp"
#include "storage/admin/token_store.hpp"
#include "storage/base/database.hpp"
#include "storage/catalog/catalog.hpp"

namespace factory {

namespace {

struct command_line {
  std::string data_dir = "data", name;
  std::vector<std::string> scopes;
  std::uint32_t factory = 0, id = 0;
};

std::int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

expected<std::unique_ptr<database>> open_stopped(const std::string& directory, bool create) {
  auto opened = database::open(directory, {.create = create});
  if (!opened && opened.error().code == errc::conflict) {
    return fail(errc::conflict, opened.error().message +
                                    " A running factoryd makes and revokes tokens by POST /api/tokens and DELETE "
                                    "/api/tokens/ID, with an admin token once one exists.");
  }
  return opened;
}

expected<void> note(database& db, std::string method, std::string path, std::uint64_t thing, unsigned status) {
  audit_log log(db);
  if (auto loaded = log.load(); !loaded) return loaded;
  return log.append({.at_us = now_us(),
                     .who = "factoryd token",
                     .method = std::move(method),
                     .path = std::move(path),
                     .client = "local",
                     .thing = thing,
                     .status = status});
}

expected<std::string> create(const command_line& typed) {
  access_token wanted;
  wanted.name = typed.name;
  wanted.factory = typed.factory;
  for (const std::string& text : typed.scopes) wanted.scopes = wanted.scopes | parse_scope(text).value_or(access_scope::none);
  auto db = open_stopped(typed.data_dir, true);
  if (!db) return tl::unexpected(db.error());
  catalog entities(**db);
  token_store tokens(**db);
  if (auto loaded = entities.load(); !loaded) return tl::unexpected(loaded.error());
  if (auto loaded = tokens.load(); !loaded) return tl::unexpected(loaded.error());
  if (typed.factory != 0 && !entities.find_factory(typed.factory))
    return fail(errc::invalid, "there is no such factory", "factory");
  const auto made = tokens.create(std::move(wanted), now_us());
  if (!made) return tl::unexpected(made.error());
  if (auto noted = note(**db, "POST", "/api/tokens", made->token.id, 201); !noted) return tl::unexpected(noted.error());
  return made->secret + "\n";
}

expected<std::string> list(const command_line& typed) {
  auto db = open_stopped(typed.data_dir, false);
  if (!db) return tl::unexpected(db.error());
  token_store tokens(**db);
  if (auto loaded = tokens.load(); !loaded) return tl::unexpected(loaded.error());
  std::string text = fmt::format("{:>4}  {:<24}  {:<26}  {:>7}  {}\n", "id", "name", "scopes", "factory", "created");
  for (const access_token& each : tokens.tokens()) {
    text += fmt::format("{:>4}  {:<24}  {:<26}  {:>7}  {}\n", each.id, each.name, to_text(each.scopes),
                        each.factory == 0 ? "all" : std::to_string(each.factory), format_time(each.created_at_us));
  }
  return text;
}

expected<std::string> revoke(const command_line& typed) {
  auto db = open_stopped(typed.data_dir, false);
  if (!db) return tl::unexpected(db.error());
  token_store tokens(**db);
  if (auto loaded = tokens.load(); !loaded) return tl::unexpected(loaded.error());
  if (auto done = tokens.revoke(typed.id); !done) return tl::unexpected(done.error());
  if (auto noted = note(**db, "DELETE", fmt::format("/api/tokens/{}", typed.id), 0, 204); !noted)
    return tl::unexpected(noted.error());
  return fmt::format("token {} is revoked\n", typed.id);
}

}  // namespace

early_end run_token_command(std::vector<std::string> arguments) {
  command_line typed;
  CLI::App app{"Bearer tokens of a data directory that no daemon has open.", "factoryd token"};
  app.require_subcommand(1);
  CLI::App* const makes = app.add_subcommand("create", "make a token and print it; what is stored cannot be turned back into it");
  CLI::App* const lists = app.add_subcommand("list", "the tokens, without their secrets");
  CLI::App* const revokes = app.add_subcommand("revoke", "take a token away");
  for (CLI::App* each : {makes, lists, revokes})
    each->add_option("--data-dir", typed.data_dir)->envname("FACTORY_DATA_DIR")->capture_default_str();
  makes->add_option("--name", typed.name, "who or what it is for")->required();
  makes->add_option("--scope", typed.scopes, "some of ingest, read, operate, admin with commas between; admin allows all")
      ->required()
      ->delimiter(',')
      ->check(CLI::IsMember({"ingest", "read", "operate", "admin"}));
  makes->add_option("--factory", typed.factory, "id of the only factory that it reaches");
  revokes->add_option("id", typed.id, "as list shows it")->required();
  try {
    std::ranges::reverse(arguments);
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return {0, app.help()};
  } catch (const CLI::Error& wrong) {
    return {2, fmt::format("factoryd token: {}\n", wrong.what())};
  }
  const auto done = *makes ? create(typed) : *lists ? list(typed) : revoke(typed);
  return done ? early_end{0, *done} : early_end{1, fmt::format("factoryd token: {}\n", done.error().message)};
}

expected<bool> has_tokens(const std::filesystem::path& data_dir) {
  std::error_code none;
  if (!std::filesystem::exists(data_dir / "FORMAT", none)) return false;
  auto db = database::open(data_dir, {.read_only = true, .create = false});
  if (!db) return tl::unexpected(db.error());
  token_store tokens(**db);
  if (auto loaded = tokens.load(); !loaded) return tl::unexpected(loaded.error());
  return tokens.any();
}

}  // namespace factory
