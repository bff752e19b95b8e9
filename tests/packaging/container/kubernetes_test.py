"""The Kubernetes manifests: well formed, and in agreement with each other, with the image and with the server."""
import pathlib
import re
import sys
import unittest
import urllib.request

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parent)]
import image  # noqa: E402
import served  # noqa: E402
import tried  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

FOLDER = tried.SOURCE / "tools" / "packaging" / "kubernetes"
API_VERSIONS = {"Deployment": "apps/v1", "Service": "v1", "PodDisruptionBudget": "policy/v1",
                "HorizontalPodAutoscaler": "autoscaling/v2"}


def objects():
    """{kind: object} of all files."""
    texts = [path.read_text() for path in sorted(FOLDER.glob("*.yaml"))]
    return {item["kind"]: item for text in texts for item in yaml.safe_load_all(text)}


def seconds(duration):
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", duration).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


class Manifests(unittest.TestCase):
    def setUp(self):
        self.objects = objects()
        self.deployment = self.objects["Deployment"]["spec"]
        self.pod = self.deployment["template"]["spec"]
        (self.container,) = self.pod["containers"]

    def test_are_one_of_each_kind_in_an_api_version_of_today(self):
        versions = {kind: item["apiVersion"] for kind, item in self.objects.items()}
        self.assertEqual(versions, API_VERSIONS)
        self.assertEqual(len(list(FOLDER.glob("*.yaml"))), len(API_VERSIONS))

    def test_have_names_and_labels(self):
        for item in self.objects.values():
            self.assertEqual(item["metadata"]["name"], "windlass")
            self.assertEqual(item["metadata"]["labels"], {"app.kubernetes.io/name": "windlass"})

    def test_selectors_find_the_pods(self):
        labels = self.deployment["template"]["metadata"]["labels"]
        self.assertEqual(self.deployment["selector"]["matchLabels"], labels)
        self.assertEqual(self.objects["Service"]["spec"]["selector"], labels)
        self.assertEqual(self.objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"], labels)

    def test_service_leads_to_the_port_that_the_image_listens_on(self):
        (port,) = [port for port in self.container["ports"] if port["name"] == "message"]
        (entry,) = self.objects["Service"]["spec"]["ports"]
        self.assertEqual(entry["targetPort"], port["name"])
        self.assertIn(f"--listen=message://:{port['containerPort']}", image.entrypoint())

    def test_autoscaler_scales_the_deployment_and_nobody_else_does(self):
        spec = self.objects["HorizontalPodAutoscaler"]["spec"]
        self.assertEqual(spec["scaleTargetRef"], {"apiVersion": "apps/v1", "kind": "Deployment", "name": "windlass"})
        self.assertLessEqual(2, spec["minReplicas"])
        self.assertLess(spec["minReplicas"], spec["maxReplicas"])
        self.assertNotIn("replicas", self.deployment)

    def test_autoscaler_looks_at_the_time_that_jobs_wait(self):
        (metric,) = self.objects["HorizontalPodAutoscaler"]["spec"]["metrics"]
        self.assertEqual(metric["type"], "Pods")
        self.assertEqual(metric["pods"]["metric"]["name"], "windlass_queue_wait_seconds")
        self.assertEqual(metric["pods"]["target"]["type"], "AverageValue")
        self.assertRegex(metric["pods"]["target"]["averageValue"], r"^\d+m$")

    def test_a_budget_allows_to_drain_nodes(self):
        self.assertEqual(self.objects["PodDisruptionBudget"]["spec"]["maxUnavailable"], 1)

    def test_arguments_are_valid_after_those_of_the_image(self):
        said = image.check(*self.container["args"])
        self.assertEqual(said.returncode, 0, said.stderr)

    def test_a_pod_may_take_longer_to_end_than_the_server_drains(self):
        (drain,) = [argument.partition("drain_timeout=")[2] for argument in self.container["args"]
                    if "master.drain_timeout=" in argument]
        before = int(self.container["lifecycle"]["preStop"]["exec"]["command"][1])
        self.assertGreaterEqual(self.pod["terminationGracePeriodSeconds"], seconds(drain) + before + 5)

    def test_image_is_of_this_version(self):
        self.assertEqual(self.container["image"], f"windlass:{tried.project_version()}")

    def test_probes_ask_for_pages_that_the_server_has_where_the_image_has_them(self):
        (port,) = [port for port in self.container["ports"] if port["name"] == "admin"]
        self.assertIn(f"--set=admin.address=:{port['containerPort']}", image.entrypoint())
        with served.Server("--set=admin.address=127.0.0.1:0") as server:
            address = server.wait_for_line(r"admin address=(\S+)")
            for name in ("readinessProbe", "livenessProbe"):
                probe = self.container[name]
                self.assertEqual(probe["httpGet"]["port"], port["name"])
                self.assertGreater(probe["timeoutSeconds"], 1)  # that long the server may think about it
                with urllib.request.urlopen(f"http://{address}{probe['httpGet']['path']}", timeout=20) as answer:
                    self.assertEqual(answer.status, 200)

    def test_limits_say_what_automatic_counts_follow(self):
        self.assertEqual(set(self.container["resources"]["limits"]), {"cpu", "memory"})

    def test_control_socket_is_in_a_folder_that_can_be_written(self):
        environment = {entry["name"]: entry["value"] for entry in self.container["env"]}
        (mount,) = self.container["volumeMounts"]
        self.assertEqual(environment["RUNTIME_DIRECTORY"], mount["mountPath"])
        self.assertIn(mount["name"], [volume["name"] for volume in self.pod["volumes"] if "emptyDir" in volume])

    def test_pods_have_no_privileges(self):
        self.assertTrue(self.pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(self.container["securityContext"]["capabilities"], {"drop": ["ALL"]})
        self.assertFalse(self.container["securityContext"]["allowPrivilegeEscalation"])


if __name__ == "__main__":
    if yaml is None:
        tried.skip("not installed: python3-yaml")
    tried.main()
