output "registry" {
  description = "Where the image is pushed."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "addresses" {
  description = "From which sites are asked."
  value       = google_compute_address.gateway[*].address
}

output "template" {
  description = "URL of the template, for `gcloud dataflow flex-template run`."
  value       = [for object in google_storage_bucket_object.template : "gs://${object.bucket}/${object.name}"]
}
