"""A bucket over HTTPS in a folder, for the calls that pgBackRest makes: PORT FOLDER CERTIFICATE KEY ACCESS_KEY."""

import http.server
import os
import ssl
import sys
import urllib.parse
import xml.etree.ElementTree as tree

port, folder, certificate, key, access = sys.argv[1:]
parts = {}


class Bucket(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", headers=()):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self):
        """The object's path and the words of the request, with its body read."""
        url = urllib.parse.urlsplit(self.path)
        self.words = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        bucket, _, name = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        self.place = os.path.join(folder, name)
        is_known = f"Credential={access}/" in self.headers.get("Authorization", "")
        if bucket != "backups" or not is_known:
            self.answer(403)
            return False
        return True

    def do_HEAD(self):
        if self.begin():
            there = os.path.isfile(self.place)
            size = os.path.getsize(self.place) if there else 0
            date = "Tue, 01 Dec 2026 00:00:00 GMT"
            self.answer(200 if there else 404, headers=[("Content-Length", str(size)), ("Last-Modified", date)] if there else [("Content-Length", "0")])

    def do_GET(self):
        if not self.begin():
            return
        if "list-type" in self.words:
            self.answer(200, self.listed())
        elif os.path.isfile(self.place):
            with open(self.place, "rb") as file:
                self.answer(200, file.read())
        else:
            self.answer(404)

    def listed(self):
        prefix, delimiter = self.words.get("prefix", ""), self.words.get("delimiter", "")
        names = sorted(
            os.path.relpath(os.path.join(above, name), folder) for above, _, found in os.walk(folder) for name in found
        )
        root = tree.Element("ListBucketResult")
        tree.SubElement(root, "IsTruncated").text = "false"
        seen = set()
        for name in names:
            if not name.startswith(prefix):
                continue
            rest = name[len(prefix) :]
            if delimiter and delimiter in rest:
                seen.add(prefix + rest.split(delimiter)[0] + delimiter)
                continue
            one = tree.SubElement(root, "Contents")
            tree.SubElement(one, "Key").text = name
            tree.SubElement(one, "LastModified").text = "2026-12-01T00:00:00.000Z"
            tree.SubElement(one, "Size").text = str(os.path.getsize(os.path.join(folder, name)))
        for name in sorted(seen):
            tree.SubElement(tree.SubElement(root, "CommonPrefixes"), "Prefix").text = name
        return tree.tostring(root, xml_declaration=True, encoding="utf-8")

    def do_PUT(self):
        if not self.begin():
            return
        if "partNumber" in self.words:
            parts.setdefault(self.words["uploadId"], {})[int(self.words["partNumber"])] = self.body
            self.answer(200, headers=[("ETag", '"part"')])
        else:
            self.store(self.body)
            self.answer(200)

    def store(self, body):
        os.makedirs(os.path.dirname(self.place), exist_ok=True)
        with open(self.place, "wb") as file:
            file.write(body)

    def do_POST(self):
        if not self.begin():
            return
        if "uploads" in self.words:
            number = str(len(parts) + 1)
            parts[number] = {}
            self.answer(200, f"<InitiateMultipartUploadResult><UploadId>{number}</UploadId></InitiateMultipartUploadResult>".encode())
        elif "uploadId" in self.words:
            whole = parts.pop(self.words["uploadId"])
            self.store(b"".join(whole[at] for at in sorted(whole)))
            self.answer(200, b"<CompleteMultipartUploadResult><ETag>whole</ETag></CompleteMultipartUploadResult>")
        else:
            for name in tree.fromstring(self.body).iter():
                if name.tag.endswith("Key"):
                    os.remove(os.path.join(folder, name.text))
            self.answer(200, b"<DeleteResult/>")

    def do_DELETE(self):
        if self.begin():
            if os.path.isfile(self.place):
                os.remove(self.place)
            self.answer(204)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server = http.server.ThreadingHTTPServer(("", int(port)), Bucket)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
