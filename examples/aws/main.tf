# The bucket, the users and the sender of docs/aws.md. Their rights are in the JSON files beside this file.
#
#   terraform init
#   terraform apply -var bucket=my-backups -var region=us-east-1 -var address=allen@example.com \
#       -var 'locations=["allens-laptop"]'
#
# This file creates no access keys, because Terraform would write their secrets to its state. Create them with:
# aws iam create-access-key --user-name backup-allens-laptop

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "bucket" {
  description = "Name of the bucket. It must be globally unique."
  type        = string
}

variable "region" {
  description = "Region of the bucket and of SES: `destinations.s3.region` and `email.region` of the profiles."
  type        = string
}

variable "address" {
  description = "Address that sends and receives the reports. AWS sends an email to it; open the link in it."
  type        = string
}

variable "locations" {
  description = "`location` in the profile of each computer. Each gets a user that can only add backups."
  type        = set(string)

  validation {
    condition     = alltrue([for location in var.locations : can(regex("^[A-Za-z0-9.-]+$", location))])
    error_message = "A location has letters, digits, dots and hyphens only: it is part of a user's name and of a pattern."
  }
}

provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

locals {
  names = {
    bucket  = var.bucket
    address = var.address
    account = data.aws_caller_identity.current.account_id
  }
  bucket_policy = templatefile("${path.module}/bucket-policy.json", local.names)
  restore_user  = templatefile("${path.module}/restore-user.json", local.names)
  send_mail     = templatefile("${path.module}/send-mail.json", local.names)
  backup_user = {
    for location in var.locations :
    location => templatefile("${path.module}/backup-user.json", merge(local.names, { location = location }))
  }
  lifecycle = jsondecode(file("${path.module}/lifecycle.json")).Rules
}

resource "aws_s3_bucket" "backup" {
  bucket = var.bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "backup" {
  bucket = aws_s3_bucket.backup.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "backup" {
  bucket = aws_s3_bucket.backup.id
  policy = local.bucket_policy
}

resource "aws_s3_bucket_lifecycle_configuration" "backup" {
  # Rules for older versions require versioning.
  bucket = aws_s3_bucket_versioning.backup.bucket

  dynamic "rule" {
    for_each = local.lifecycle

    content {
      id     = rule.value.ID
      status = rule.value.Status

      filter {
        prefix = rule.value.Filter.Prefix
      }

      expiration {
        days = rule.value.Expiration.Days
      }

      noncurrent_version_expiration {
        noncurrent_days = rule.value.NoncurrentVersionExpiration.NoncurrentDays
      }

      abort_incomplete_multipart_upload {
        days_after_initiation = rule.value.AbortIncompleteMultipartUpload.DaysAfterInitiation
      }
    }
  }
}

resource "aws_iam_user" "backup" {
  for_each = var.locations
  name     = "backup-${each.key}"
}

resource "aws_iam_user_policy" "add" {
  for_each = var.locations
  name     = "add"
  user     = aws_iam_user.backup[each.key].name
  policy   = local.backup_user[each.key]
}

resource "aws_iam_user_policy" "report" {
  for_each = var.locations
  name     = "report"
  user     = aws_iam_user.backup[each.key].name
  policy   = local.send_mail
}

resource "aws_iam_user" "restore" {
  name = "restore"
}

resource "aws_iam_user_policy" "read" {
  name   = "read"
  user   = aws_iam_user.restore.name
  policy = local.restore_user
}

resource "aws_sesv2_email_identity" "sender" {
  email_identity = var.address
}
