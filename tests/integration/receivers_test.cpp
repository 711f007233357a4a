// Notifications to the real receivers: Prometheus' Alertmanager, a mail server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "http/support/receiver.hpp"
#include "integration/support/alarms.hpp"
#include "integration/support/daemon.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

using ::testing::HasSubstr;

/// A port that was free a moment ago.
std::uint16_t free_port() { return receiver().port(); }

constexpr auto start_deadline = std::chrono::seconds(60);

/// Debian's prometheus-alertmanager with a directory of its own.
struct alertmanager {
  temp_directory directory{"alertmanager"};
  std::uint16_t port;
  std::unique_ptr<child_process> process;

  explicit alertmanager(std::uint16_t at = free_port()) : port(at) {
    const auto config = directory.path() / "alertmanager.yml";
    std::ofstream(config) << "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
    auto started = child_process::start({"/usr/bin/prometheus-alertmanager", "--config.file=" + config.string(),
                                         "--storage.path=" + directory.path().string(),
                                         "--cluster.listen-address=", fmt::format("--web.listen-address=127.0.0.1:{}", port)});
    if (!started)
      throw std::runtime_error("is the package prometheus-alertmanager installed (tools/dev install)? " +
                               started.error().message);
    process = std::move(*started);
    if (auto ready = process->wait_for_text("Listening on", start_deadline); !ready) throw std::runtime_error(process->output());
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", port); }
  rapidjson::Document alerts() const {
    http_client asks(port);
    return get_json(asks, "/api/v2/alerts?active=true");
  }
};

std::string label(const rapidjson::Value& alert, const char* name) {
  return alert["labels"].HasMember(name) ? alert["labels"][name].GetString() : "";
}

TEST(alertmanager_channel, shows_an_alert_while_it_is_active_with_its_step_and_again_after_a_restart_of_either) {
  fresh_daemon daemon;
  http_client first(daemon->api_port());
  auto manager = std::make_unique<alertmanager>();
  const auto channel =
      add_channel(first, fmt::format(R"("type":"alertmanager","allow_private":true,"url":"{}")", manager->url()));
  EXPECT_TRUE(first.post(fmt::format("/api/channels/{}/test", channel), "").json()["sent"].GetBool());
  watched_plant plant(first, 2,
                      fmt::format(R"("channels":[{}],"message":"{{sensor}} at {{value}}",)"
                                  R"("escalation":[{{"after_ms":500,"channels":[{}]}}])",
                                  channel, channel));
  plant.raise_all(first);
  await([&] { return manager->alerts().Size() == 4; }, "both alerts and both steps");
  const auto shown = manager->alerts();
  for (const auto& each : shown.GetArray()) {
    EXPECT_EQ(label(each, "alertname"), "hot");
    EXPECT_EQ(label(each, "severity"), label(each, "escalation_step").empty() ? "WARNING" : "CRITICAL");
    EXPECT_THAT(each["annotations"]["description"].GetString(), HasSubstr(" at 95"));
  }
  plant.clear(first, 0);
  await([&] { return manager->alerts().Size() == 2; }, "the end of one");
  EXPECT_EQ(label(manager->alerts()[0], "sensor_id"), std::to_string(plant.sensor(1)));

  // An Alertmanager without memory hears of what is active from the daemon's next start on, too.
  daemon->kill();
  manager.reset();
  manager = std::make_unique<alertmanager>();
  daemon->start();
  http_client api(daemon->api_port());
  EXPECT_EQ(api.patch(fmt::format("/api/channels/{}", channel), fmt::format(R"({{"url":"{}"}})", manager->url())).status, 200U);
  plant.raise(api, 0);
  await([&] { return manager->alerts().Size() >= 2; }, "the new one");
}

/// aiosmtpd with TLS by STARTTLS, a log-in, and a folder of mails.
struct mail_server {
  temp_directory directory{"mail"};
  std::unique_ptr<child_process> process;
  std::uint16_t port = 0;

  explicit mail_server(const std::string& mode) { start({mode}); }
  /// On the same port, with the same certificate and its mails.
  void start_again(const std::string& mode) { start({mode, std::to_string(port)}); }
  /// Nobody is there any more.
  void stop() { process.reset(); }
  void start(const std::vector<std::string>& how) {
    std::vector<std::string> command{"/usr/bin/python3", source_file("tests/integration/support/mail_server.py"),
                                     directory.path().string()};
    command.insert(command.end(), how.begin(), how.end());
    auto started = child_process::start(command);
    if (!started) throw std::runtime_error(started.error().message);
    process = std::move(*started);
    const auto line = process->wait_for_line("listening ", start_deadline);
    if (!line) throw std::runtime_error("is the package python3-aiosmtpd installed (tools/dev install)? " + process->output());
    port = static_cast<std::uint16_t>(std::stoul(line->substr(line->rfind(' ') + 1)));
  }
  std::filesystem::path certificate() const { return directory.path() / "cert.pem"; }
  std::vector<std::string> mails() const {
    std::vector<std::string> out;
    for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
      if (file.path().extension() != ".mail") continue;
      std::ostringstream text;
      text << std::ifstream(file.path()).rdbuf();
      out.push_back(text.str());
    }
    std::ranges::sort(out);
    return out;
  }
};

std::string mail_channel(std::string_view scheme, std::uint16_t port, std::string_view more) {
  return fmt::format(R"("type":"email","allow_private":true,"url":"{}://localhost:{}","from":"plant@example.com",)"
                     R"("to":["shift@example.com","chief@example.com"],"username":"plant","secret":"pass word"{})",
                     scheme, port, more);
}

class email_channel : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(email_channel, sends_what_is_told_over_tls_after_a_log_in) {
  const auto [mode, scheme] = GetParam();
  mail_server server(mode);
  fresh_daemon daemon({"--notify-ca", server.certificate().string()});
  http_client api(daemon->api_port());
  const auto channel = add_channel(api, mail_channel(scheme, server.port, ""));
  const auto tested = api.post(fmt::format("/api/channels/{}/test", channel), "");
  ASSERT_TRUE(tested.json()["sent"].GetBool()) << tested.body;
  watched_plant plant(api, 1, fmt::format(R"("channels":[{}],"message":"Öl zu heiß: {{value}}")", channel));
  plant.raise(api, 0);
  plant.clear(api, 0);
  await([&] { return server.mails().size() == 3; }, "the mails");
  const auto mails = server.mails();
  for (const auto& mail : mails) {
    EXPECT_THAT(mail, HasSubstr("envelope: plant@example.com -> shift@example.com, chief@example.com (log-in plant, tls True)"));
  }
  const auto raised = std::ranges::find_if(mails, [](const auto& m) { return m.find("alert_raised") != std::string::npos; });
  ASSERT_NE(raised, mails.end());
  EXPECT_THAT(*raised, HasSubstr("subject: WARNING raised: "));
  EXPECT_THAT(*raised, HasSubstr("Öl zu heiß: 95"));
}

INSTANTIATE_TEST_SUITE_P(tls, email_channel, ::testing::Values(std::pair{"starttls", "smtp"}, std::pair{"tls", "smtps"}),
                         [](const auto& given) { return std::string(given.param.first); });

TEST(receivers_over_kill_9, that_were_down_hear_once_they_are_back_of_what_was_raised_before_it) {
  mail_server mail("starttls");
  mail.stop();
  const std::uint16_t at = free_port();
  fresh_daemon daemon({"--notify-ca", mail.certificate().string()});
  http_client first(daemon->api_port());
  const auto mails = add_channel(first, mail_channel("smtp", mail.port, ""));
  const auto managed =
      add_channel(first, fmt::format(R"("type":"alertmanager","allow_private":true,"url":"http://127.0.0.1:{}")", at));
  watched_plant plant(first, 1, fmt::format(R"("channels":[{},{}],"message":"hot: {{value}}")", mails, managed));
  plant.raise(first, 0);
  await([&] { return metric(first, "factory_notification_failures_total") >= 2; }, "an attempt at each receiver");
  EXPECT_EQ(metric(first, "factory_notifications_open"), 2U);
  daemon->kill();

  mail.start_again("starttls");
  const alertmanager manager(at);
  daemon->start();
  await([&] { return !mail.mails().empty(); }, "the mail");
  await([&] { return manager.alerts().Size() == 1; }, "the alert");
  EXPECT_EQ(mail.mails().size(), 1U);
  EXPECT_THAT(mail.mails().front(), HasSubstr("hot: 95"));
  http_client api(daemon->api_port());
  await([&] { return metric(api, "factory_notifications_open") == 0; }, "the end of both deliveries");
  plant.clear(api, 0);
  await([&] { return mail.mails().size() == 2; }, "the mail of the end");
  await([&] { return manager.alerts().Empty(); }, "the end");
}

TEST(email_channel_refused, sends_nothing_without_tls_or_to_a_server_that_nobody_vouches_for) {
  mail_server plain("plain"), unknown("starttls");
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  for (const auto& [port, more] : {std::pair{plain.port, ""}, {unknown.port, ""}}) {
    const auto channel = add_channel(api, mail_channel("smtp", port, more));
    const auto tested = api.post(fmt::format("/api/channels/{}/test", channel), "");
    EXPECT_FALSE(tested.json()["sent"].GetBool()) << tested.body;
  }
  EXPECT_TRUE(plain.mails().empty());
  EXPECT_TRUE(unknown.mails().empty());
  const auto open = add_channel(api, fmt::format(R"("type":"email","allow_private":true,"allow_plaintext":true,)"
                                                 R"("url":"smtp://localhost:{}","from":"a@b","to":["c@d"])",
                                                 plain.port));
  EXPECT_TRUE(api.post(fmt::format("/api/channels/{}/test", open), "").json()["sent"].GetBool());
}

}  // namespace
}  // namespace factory::test
