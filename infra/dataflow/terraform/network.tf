# Workers have private addresses alone, and reach the web through a few public ones of a gateway.
resource "google_compute_network" "workers" {
  name                    = "dalle"
  auto_create_subnetworks = false

  depends_on = [google_project_service.needed]
}

resource "google_compute_subnetwork" "workers" {
  name                     = "dalle-workers"
  network                  = google_compute_network.workers.id
  region                   = var.region
  ip_cidr_range            = "10.10.0.0/20"
  private_ip_google_access = true
}

resource "google_compute_router" "workers" {
  name    = "dalle"
  network = google_compute_network.workers.id
  region  = var.region
}

# Fixed addresses: whoever runs a site can tell who asks, and whom to write to.
resource "google_compute_address" "gateway" {
  count = var.num_nat_addresses

  name   = "dalle-gateway-${count.index}"
  region = var.region
}

resource "google_compute_router_nat" "gateway" {
  name                               = "dalle-gateway"
  router                             = google_compute_router.workers.name
  region                             = var.region
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = google_compute_address.gateway[*].self_link
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"
  enable_dynamic_port_allocation     = true
  min_ports_per_vm                   = 256
  max_ports_per_vm                   = 4096

  subnetwork {
    name                    = google_compute_subnetwork.workers.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

# Source of the ports: Dataflow, "Configure internet access and firewall rules". The service tags its workers.
resource "google_compute_firewall" "between_workers" {
  name        = "dalle-between-workers"
  network     = google_compute_network.workers.id
  direction   = "INGRESS"
  source_tags = ["dataflow"]
  target_tags = ["dataflow"]

  allow {
    protocol = "tcp"
    ports    = ["12345-12346"]
  }
}

resource "google_compute_firewall" "to_workers" {
  name               = "dalle-to-workers"
  network            = google_compute_network.workers.id
  direction          = "EGRESS"
  priority           = 900
  destination_ranges = [google_compute_subnetwork.workers.ip_cidr_range]
  target_tags        = ["dataflow"]

  allow {
    protocol = "tcp"
    ports    = ["12345-12346"]
  }
}

# A URL of a stranger must not lead into a private network; `fetch` refuses such addresses too.
resource "google_compute_firewall" "not_to_private_networks" {
  name               = "dalle-not-to-private-networks"
  network            = google_compute_network.workers.id
  direction          = "EGRESS"
  priority           = 1000
  destination_ranges = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]
  target_tags        = ["dataflow"]

  deny {
    protocol = "all"
  }
}
